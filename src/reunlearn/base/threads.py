"""How many threads the libraries of a job may use."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)  # read by libraries as they are loaded


@contextmanager
def limited_threads(count: int) -> Iterator[None]:
    """Limit the thread pools of all libraries inside the block: those loaded now, and those loaded later."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, str(count)))
    try:
        with loaded_pools().limit(limits=count):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def loaded_pools() -> ThreadpoolController:
    """Return what limits the thread pools of the libraries that are loaded.

    To find them takes as long as a short job: it is done again only when a module was imported since.
    """
    return _pools(len(sys.modules))


@functools.lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:
    return ThreadpoolController()
