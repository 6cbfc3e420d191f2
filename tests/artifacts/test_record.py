"""Records: the memory of a job is its own, and what a record must have is checked when it is read."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import pytest

from reunlearn.artifacts import stopwatch
from reunlearn.artifacts.record import read_record, write_record
from reunlearn.artifacts.stopwatch import PeakMemory, Stopwatch

LARGE = 300  # MiB


def hold(mib: int) -> int:
    """Take memory, write to every page of it, give it back, whatever malloc keeps; return how much it was."""
    with mmap.mmap(-1, mib * 2**20) as block:
        for _ in range(mib):
            block.write(b"\x01" * 2**20)
        return len(block) >> 20


def test_a_job_does_not_inherit_the_peak_of_the_job_before_it() -> None:
    first = PeakMemory()
    before = first.mib()
    hold(LARGE)
    peak = first.mib()
    assert before is not None and peak is not None
    assert peak > before + 0.9 * LARGE
    second = PeakMemory()
    hold(1)
    after = second.mib()
    if after is None:
        pytest.skip("this system keeps one peak per process, and cannot tell that of the second job")
    assert after < peak - 0.9 * LARGE


def test_control_the_process_itself_remembers_the_peak() -> None:
    first = PeakMemory()
    hold(LARGE)
    peak = first.mib()
    assert peak is not None and first.mib() == peak  # given back, and still its peak


def test_where_the_peak_cannot_be_set_back_only_the_first_job_knows_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(stopwatch.PeakMemory, "_jobs", 0)
    first, second = PeakMemory(), PeakMemory()
    assert first.mib() is not None
    assert second.mib() is None


def test_the_seconds_of_a_section_add_up() -> None:
    watch = Stopwatch()
    for _ in range(3):
        with watch.section("run"):
            pass
    with pytest.raises(ValueError), watch.section("other"):
        raise ValueError
    assert watch.seconds.keys() == {"run", "other"}
    assert 0 < watch.seconds["run"] < 1


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(
        tmp_path,
        seconds={"total": 1.23456789},
        peak_memory_mib=None,
        device="cpu",
        threads=1,
        facts={"status": "finished", "drawn": {"forget": 3}, "of its own": [1, 2]},
    )
    record = read_record(tmp_path)
    assert record is not None
    assert record.seconds == {"total": 1.234568}
    assert (record.status, record.drawn, record.peak_memory_mib) == ("finished", {"forget": 3}, None)
    assert record.model_extra == {"of its own": [1, 2]}


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"seconds": 3}'])
def test_what_is_no_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    assert read_record(tmp_path) is None
    assert read_record(tmp_path / "absent") is None


def test_control_a_field_less_is_no_record(tmp_path: Path) -> None:
    more: dict[str, Any] = {"seconds": {}, "peak_memory_mib": 1.0, "device": "cpu", "threads": 1, "facts": {}}
    write_record(tmp_path, **more)
    content = json.loads((tmp_path / "record.json").read_text())
    assert read_record(tmp_path) is not None
    for name in ("seconds", "versions", "git", "host"):
        left = {key: value for key, value in content.items() if key != name}
        (tmp_path / "record.json").write_text(json.dumps(left))
        assert read_record(tmp_path) is None
