"""The line that tells how far a run is, drawn again in place on the terminal that Snakemake writes to.

Where Snakemake writes to a file or a pipe there is no such line, and all that it says stays as it is.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from snakemake_interface_logger_plugins.common import LogEvent

from reunlearn.commands.progress import Progress

CLEAR = "\r\x1b[K"  # to the first column, and nothing is left of the line
SECONDS = 0.5  # between two drawings
STREAM = "DefaultStreamHandler"  # Snakemake's name of what writes to the terminal
REPLACED = ("Select jobs to execute...", "Execute ")  # lines that the progress takes the place of


class ProgressLine(logging.Filter):
    """Hears what Snakemake logs, keeps the lines on each finished job off the terminal, and draws the progress.

    Args:
        progress: what is drawn.
        stream: the terminal.
    """

    def __init__(self, progress: Progress, stream: TextIO) -> None:
        super().__init__()
        self.progress, self.stream = progress, stream
        self.lock = threading.RLock()
        self.is_drawn = False
        self.ended = threading.Event()
        threading.Thread(target=self._keep_drawing, daemon=True).start()

    def filter(self, record: logging.LogRecord) -> bool:
        """Take note of an event; tell whether its line is to be shown."""
        event = getattr(record, "event", None)
        number = getattr(record, "job_id", getattr(record, "jobid", None))
        if event == LogEvent.JOB_STARTED:
            self.progress.start(getattr(record, "jobs", ()), time.monotonic())
        elif event == LogEvent.JOB_FINISHED and isinstance(number, int):
            self.progress.finish(number)
        elif event == LogEvent.JOB_ERROR and isinstance(number, int):
            self.progress.fail(number)
        hidden = event in (LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.PROGRESS)
        return not hidden and not (event is None and str(record.msg).startswith(REPLACED))

    def write(self, text: str) -> int:
        """Write what Snakemake says; the line goes, and is drawn again below it."""
        with self.lock:
            self._clear()
            return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def end(self) -> None:
        """Draw no more, and leave nothing of the line."""
        with self.lock:
            self.ended.set()
            self._clear()

    def _keep_drawing(self) -> None:
        while not self.ended.wait(SECONDS):
            self.draw()

    def draw(self) -> None:
        """Draw the line as it is now, unless it has ended."""
        with self.lock:
            if not self.ended.is_set():
                self._draw()

    def _draw(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal has gone
            columns = os.get_terminal_size(self.stream.fileno()).columns
            self.stream.write(CLEAR + self.progress.line(time.monotonic(), columns - 1))
            self.stream.flush()
            self.is_drawn = True

    def _clear(self) -> None:
        if self.is_drawn:
            with contextlib.suppress(OSError, ValueError):
                self.stream.write(CLEAR)
                self.stream.flush()
            self.is_drawn = False


def show(logger: logging.Logger, make: Callable[[], Progress]) -> Callable[[], None]:
    """Draw the progress of a run where Snakemake writes to a terminal.

    Args:
        logger: Snakemake's.
        make: gives the progress; it is not called where there is no terminal.

    Returns:
        What ends it.
    """
    found = [handler for handler in logger.handlers if handler.name == STREAM]
    handler = found[0] if found else None
    if not isinstance(handler, logging.StreamHandler) or not handler.stream.isatty():
        return lambda: None
    line = ProgressLine(make(), handler.stream)
    handler.filters.insert(0, line)  # before that which hides events from people
    handler.stream = line
    line.draw()
    atexit.register(line.end)
    return line.end
