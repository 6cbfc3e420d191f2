"""Many files of config/ at once: one that cannot be read or planned is named, and stops none of the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reunlearn.base.errors import UserError
from reunlearn.study import asked
from reunlearn.study.catalogue import catalogue
from reunlearn.study.load import names
from reunlearn.study.plan import Plan, make_plan

T = TypeVar("T")


@dataclass(frozen=True)
class Each(Generic[T]):
    """What came of each file, by its name.

    Attributes:
        good: what was made of it.
        failed: why nothing could be made of it.
    """

    good: dict[str, T]
    failed: dict[str, str]


def of_each(kind: str, files: Iterable[str], make: Callable[[str], T]) -> Each[T]:
    """Call `make` with each name; each failure is a line on stderr.

    Args:
        kind: what the names name, such as study.
        files: the names.
        make: what to do with each; whatever it raises counts as a failure of that one file.
    """
    good: dict[str, T] = {}
    failed: dict[str, str] = {}
    for name in files:
        try:
            good[name] = make(name)
        except Exception as error:  # also a mistake of the planner: it must not stop the other files
            kind_of_error = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            failed[name] = " ".join(f"{kind_of_error}{error}".split())
            print(f"{kind} '{name}' is left out: {failed[name]}", file=sys.stderr)
    return Each(good, failed)


def plan_each(studies: Iterable[str] | None = None) -> Each[Plan]:
    """Plan some studies; all of config/studies if None.

    Raises:
        UserError: a plugin cannot be imported, so that no study can be planned.
    """
    catalogue()
    return of_each("study", names("studies") if studies is None else studies, make_plan)


def planned_as_asked(studies: str) -> Each[Plan]:
    """Plan the studies that a command names; one that cannot be planned ends the command.

    Raises:
        UserError: there is no such study, or one is mistaken.
    """
    return Each({name: make_plan(name) for name in asked.studies(studies)}, {})
