"""Works side by side, each in a process of its own: a fork, so that what a work reads goes along as it is."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from reunlearn.base.errors import UserError

CORES = "REUNLEARN_CORES"  # those of the whole run
MOST = 8  # forks: each holds what it computes

Result = TypeVar("Result")
FORK = multiprocessing.get_context("fork")


def cores() -> int:
    """Return how many works may go side by side: the cores of the run, as far as it says; 1 where nobody does."""
    asked = os.environ.get(CORES, "")
    return min(MOST, int(asked)) if asked.isdecimal() else 1


def side_by_side(works: Sequence[Callable[[], Result]], most: int) -> list[Result]:
    """Return what each work gives, in their order.

    Args:
        works: started in this order; what they change is lost. With one, or one at a time, they are done here.
        most: at once.

    Raises:
        ChildProcessError: a process ended without an answer.
        Exception: what a work raises.
    """
    if min(most, len(works)) < 2:
        return [work() for work in works]
    waiting, results = list(enumerate(works)), dict[int, Result]()
    running: dict[Any, tuple[int, BaseProcess]] = {}  # by where the answer comes from
    try:
        while waiting or running:
            while waiting and len(running) < most:
                number, work = waiting.pop(0)
                answer, mine = FORK.Pipe(duplex=False)
                # without this process nobody reads, and a work that has its answer ends
                unread = [answer, *running]
                process = FORK.Process(target=_do, args=(work, mine, unread), daemon=True)
                process.start()
                mine.close()
                running[answer] = (number, process)
            for ready in wait(list(running)):
                number, begun = running[ready]
                results[number] = _answered(ready)
                begun.join()
                del running[ready]
    finally:
        for _, begun in running.values():
            begun.kill()
    return [results[number] for number in range(len(works))]


def _do(work: Callable[[], Any], answer: Connection, unread: Sequence[Connection]) -> None:
    """In the process of a work: send what it gives, or raises; `unread`: ends of pipes that it inherited."""
    for end in unread:
        end.close()
    try:
        answer.send((work(), None))
    except UserError as error:
        answer.send((None, error))
    except Exception as error:
        traceback.print_exc()
        answer.send((None, error))


def _answered(answer: Any) -> Any:
    try:
        result, error = answer.recv()
    except EOFError:
        raise ChildProcessError(
            "a process ended without an answer: the system often does so when memory is short"
        ) from None
    if error is not None:
        raise error
    return result
