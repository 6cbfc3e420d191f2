"""What a job's client says of a job that could say nothing itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reunlearn import client


def test_a_signal_is_an_exit_code_as_shells_say_it() -> None:
    assert [client.exit_code(code) for code in (0, 1, -9, -15)] == [0, 1, client.KILLED, client.ORPHANED]


def test_what_ended_a_job_stands_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("12:00:00 epoch 3")
    client.note_signal(client.KILLED, str(log))
    assert client.reason(str(log)) == "ended by signal 9: the system often does so when memory is short"
    client.note_signal(128 + 11, str(log))
    assert client.reason(str(log)) == "ended by signal 11"


def test_a_log_that_cannot_be_written_is_no_failure_of_its_own(tmp_path: Path) -> None:
    client.note_signal(client.KILLED, str(tmp_path / "absent" / "job.log"))
    assert client.reason(str(tmp_path / "absent" / "job.log")) == "no log was written"


def test_what_is_asked_for_arrives_as_it_was_sent() -> None:
    environment = {"EMPTY": "", "EQUAL": "a=b", "LINES": "one\ntwo", "BYTES": "\udcff", "WORD": "ä"}
    sent = client.Request("split", "a b.json", "log", "/über", environment=environment)
    size, content = sent.written().split(b"\n", 1)
    assert int(size) == len(content)
    assert vars(client.Request.parsed(content)) == vars(sent)


@pytest.mark.parametrize("content", [b"", b"split", b"a\0b\0c\0d\0no value"])
def test_something_else_is_no_request(content: bytes) -> None:
    with pytest.raises(ValueError):
        client.Request.parsed(content)


def test_it_imports_little() -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import client; client.main"
    slow = "print(*{'json', 'socket', 'signal', 'enum', 're', 'typing'} & set(sys.modules))"
    command = [sys.executable, "-S", "-E", "-c", f"{script}; {slow}", str(Path(client.__file__).parent)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == ""
