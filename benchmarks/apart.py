"""Work in a process of its own: what one side does to its process (memory, threads) is none of the other side's."""

from __future__ import annotations

import contextlib
import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any


class Apart:
    """A function that lives in another process.

    Args:
        make: a function of a module, called there once with the arguments; what it returns is called again and again.
    """

    def __init__(self, make: Callable[..., Callable[..., Any]], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        self._receive()

    def __call__(self, *arguments: object) -> Any:
        """Call the function there; wait for what it returns."""
        self._pipe.send(arguments)
        return self._receive()

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, unless it has ended by an error."""
        with contextlib.suppress(BrokenPipeError):
            self._pipe.send(None)
        self._process.join()

    def _receive(self) -> Any:
        failed, answer = self._pipe.recv()
        if failed:
            raise RuntimeError(f"in a process of its own:\n{answer}")
        return answer


def _serve(pipe: Connection, make: Callable[..., Callable[..., Any]], arguments: tuple[object, ...]) -> None:
    """Make the function, then call it whenever arguments come, until None comes."""
    try:
        work = make(*arguments)
        pipe.send((False, None))
        while (given := pipe.recv()) is not None:
            pipe.send((False, work(*given)))
    except Exception:
        pipe.send((True, traceback.format_exc()))
