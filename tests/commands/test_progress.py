"""How far a run is: what is counted, what is said of it, and how it fits a terminal."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
import select
import termios

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from reunlearn.commands.progress import TRUSTED_SECONDS, Expected, Progress, duration
from reunlearn.commands.progress_line import CLEAR, STREAM, ProgressLine, show


@pytest.fixture
def progress() -> Progress:
    """Ten jobs of a minute each, two at a time."""
    stages = ["unlearn"] * 6 + ["measure"] * 4
    return Progress({n: Expected(stage, 60.0) for n, stage in enumerate(stages)}, 2, began=0.0)


def test_jobs_are_counted_by_what_they_are(progress: Progress) -> None:
    progress.start([0, 1, 6], now=0.0)
    assert progress.line(0.0, 80) == "0 of 10 jobs  about 5 min left  2 unlearn, 1 measure"
    progress.finish(0)
    progress.finish(0)  # told twice: counted once
    progress.fail(6)
    assert progress.line(60.0, 80).startswith("1 of 10 jobs  1 failed  about ")
    assert progress.line(60.0, 80).endswith("  1 unlearn")
    progress.start([6], now=60.0)  # it is tried again
    assert "failed" not in progress.line(60.0, 80)


def test_the_time_left_follows_what_this_run_takes(progress: Progress) -> None:
    as_expected = Progress(progress.jobs, 2, 0.0)
    for number in range(4):
        progress.finish(number)
        as_expected.finish(number)
    assert as_expected.seconds_left(120.0) == pytest.approx(
        180.0
    )  # four minutes' work in two: as two at a time do
    slow = progress.seconds_left(1200.0)
    assert slow == pytest.approx(360.0 / ((240 + 2 * TRUSTED_SECONDS) / (1200 + TRUSTED_SECONDS)))
    assert slow > 4 * 180.0


def test_jobs_under_way_count_as_far_as_they_are_expected_to_be(progress: Progress) -> None:
    before = progress.seconds_left(0.0)
    progress.start([0, 1], now=0.0)
    assert progress.seconds_left(30.0) == pytest.approx(before - 30.0)
    assert progress.seconds_left(1e6) > before  # what takes longer than expected is not taken for done


def test_of_jobs_that_take_longer_than_all_that_was_expected_nothing_is_said() -> None:
    progress = Progress({1: Expected("track", 1.0)}, 1, 0.0)
    progress.start([1], now=0.0)
    assert progress.line(50.0, 80) == "0 of 1 jobs  1 track"


@pytest.mark.parametrize("width", [0, 1, 7, 12, 13, 20, 30, 60, 80])
def test_a_line_is_never_wider_than_the_terminal(progress: Progress, width: int) -> None:
    progress.start([0, 6], now=0.0)
    progress.fail(3)
    line = progress.line(0.0, width)
    assert len(line) <= width
    assert ("0 of 10 jobs" in line) == (width >= 12)
    assert ("1 failed" in line) == (width >= 22)


def test_jobs_that_are_no_stage_are_no_jobs_here(progress: Progress) -> None:
    progress.start([99], now=0.0)
    progress.finish(99)
    progress.fail(99)
    assert progress.line(0.0, 12) == "0 of 10 jobs"
    assert not progress.running and not progress.failed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 s"),
        (59, "59 s"),
        (61, "1 min"),
        (3599, "60 min"),
        (3600, "1 h 00 min"),
        (93_780, "26 h 03 min"),
    ],
)
def test_lengths_of_time_are_rounded(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def record(message: str | None, **facts: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "levelno": logging.INFO, **facts})


@pytest.fixture
def terminal():
    """Yield (what the program writes to, what the user sees)."""
    main, sub = pty.openpty()
    termios.tcsetwinsize(sub, (24, 40))

    def seen() -> str:
        parts = []
        while select.select([main], [], [], 0.2)[0]:
            parts.append(os.read(main, 65536))
        return b"".join(parts).decode()

    with os.fdopen(sub, "w") as stream:
        yield stream, seen
    os.close(main)


def logger_of(stream) -> logging.Logger:
    logger = logging.Logger("some")
    handler = logging.StreamHandler(stream)
    handler.name = STREAM
    logger.addHandler(handler)
    return logger


def test_lines_of_others_stand_above_the_progress(progress: Progress, terminal) -> None:
    stream, seen = terminal
    line = ProgressLine(progress, stream)
    line.ended.set()  # nobody draws but this test
    line._draw()
    line.write("a warning\n")
    stream.flush()
    assert re.fullmatch(
        re.escape(CLEAR) + "0 of 10 jobs[ a-z0-9]*" + re.escape(CLEAR) + "a warning\r\n", seen()
    )
    line._draw()
    line.end()
    line.end()
    assert re.fullmatch(re.escape(CLEAR) + "0 of 10 jobs[ a-z0-9]*" + re.escape(CLEAR), seen())


def test_what_snakemake_says_of_each_job_is_counted_and_not_shown(progress: Progress, terminal) -> None:
    stream, seen = terminal
    logger = logger_of(stream)
    end = show(logger, lambda: progress)
    logger.handle(record("Execute 2 jobs...", event=LogEvent.JOB_STARTED, jobs=[0, 6]))
    assert progress.running.keys() == {0, 6}
    logger.handle(record("Select jobs to execute..."))
    logger.handle(record("Finished jobid: 0", event=LogEvent.JOB_FINISHED, job_id=0))
    logger.handle(record(None, event=LogEvent.PROGRESS, done=1, total=10))
    logger.handle(record("out of luck", event=LogEvent.JOB_ERROR, jobid=6))
    logger.handle(record("Complete log(s): here"))
    end()
    assert (progress.ended, progress.failed) == ({0}, {6})
    text = seen()
    assert "out of luck" in text and "Complete log(s): here" in text
    assert not any(word in text for word in ("Execute", "Select", "Finished"))


def test_a_file_gets_all_lines_and_no_progress(progress: Progress) -> None:
    stream = io.StringIO()
    logger = logger_of(stream)
    show(logger, lambda: pytest.fail("no progress is asked for"))()
    logger.handle(record("Finished jobid: 0", event=LogEvent.JOB_FINISHED, job_id=0))
    assert stream.getvalue() == "Finished jobid: 0\n"
