"""What a job's client says of a job that could say nothing itself."""

from __future__ import annotations

from pathlib import Path

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
