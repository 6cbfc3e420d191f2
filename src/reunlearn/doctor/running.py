"""Run checks side by side, each in a process of its own: one that hangs or dies is one line, and holds up no other."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from reunlearn.base.errors import UserError
from reunlearn.doctor.findings import Asked, Check, Finding

FORK = multiprocessing.get_context("fork")  # what was planned goes along as it is


@dataclass(frozen=True)
class Started:
    """A check that runs.

    Attributes:
        check: the module.
        process: it runs in.
        answer: where its findings come from.
        until: when it is ended, on the monotonic clock.
    """

    check: Check
    process: BaseProcess
    answer: Connection
    until: float


def start(checks: Iterable[Check], asked: Asked) -> list[Started]:
    """Start each check."""
    return [_start(check, asked) for check in checks]


def _start(check: Check, asked: Asked) -> Started:
    answer, mine = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_look, args=(check, asked, mine), daemon=True)
    process.start()
    mine.close()
    return Started(check, process, answer, time.monotonic() + check.CARD.seconds)


def _look(check: Check, asked: Asked, answer: Connection) -> None:
    """In the process of a check: send what it finds, as far as it comes; what libraries print is no finding."""
    os.setsid()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    title = check.CARD.title
    try:
        for state, text, mend in check.look(asked):
            answer.send(Finding(title, state, " ".join(text.split()), mend))
    except UserError as error:
        answer.send(Finding(title, "problem", str(error)))
    except Exception as error:  # a mistake of a check must not hide what the others find
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        answer.send(Finding(title, "problem", f"cannot be looked at: {reason}"))
    answer.send(None)


def findings(started: Started) -> list[Finding]:
    """Wait for a check, at most until its time is over, and return what it found."""
    title, limit = started.check.CARD.title, started.check.CARD.seconds
    found: list[Finding] = []
    try:
        while started.answer.poll(max(0.0, started.until - time.monotonic())):
            finding = started.answer.recv()
            if finding is None:
                return found
            found.append(finding)
        found.append(
            Finding(title, "problem", f"no answer within {limit:g} s", "see whether what it asks is down")
        )
    except EOFError:
        found.append(Finding(title, "problem", "the check ended without an answer", "is memory short?"))
    finally:
        _end(started.process)
    return found


def _end(process: BaseProcess) -> None:
    """End a check, with all that it has started."""
    if process.pid is not None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.join(1)
