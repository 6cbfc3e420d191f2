"""Reproducible machine unlearning, from Python.

    reunlearn.unlearn(model, "salun@code", forget=…, retain=…)     a method on a model and data of one's own
    reunlearn.attack(model, "lira", forget=…, …)                   a membership-inference attack
    reunlearn.methods(), reunlearn.attacks()                       what there is
    reunlearn.load(study)                                          a study's results as a table

Nothing of it is imported before it is used.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

import reunlearn.attacks as _attacks  # the package, which is empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from reunlearn.base.errors import UserError
    from reunlearn.base.version import __version__
    from reunlearn.library.attack import Attacked, attack
    from reunlearn.library.listing import AttackLine, MethodLine, attacks, methods
    from reunlearn.library.result import Record, Unlearned
    from reunlearn.library.shadows import Shadows
    from reunlearn.library.unlearn import unlearn

__all__ = [
    "AttackLine",
    "Attacked",
    "MethodLine",
    "Record",
    "Shadows",
    "Unlearned",
    "UserError",
    "__version__",
    "attack",
    "attacks",
    "load",
    "methods",
    "unlearn",
]

_PLACES = {
    "__version__": "base.version",
    "AttackLine": "library.listing",
    "Attacked": "library.attack",
    "MethodLine": "library.listing",
    "Record": "library.result",
    "Shadows": "library.shadows",
    "Unlearned": "library.result",
    "UserError": "base.errors",
    "attack": "library.attack",
    "methods": "library.listing",
    "unlearn": "library.unlearn",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'reunlearn' has no attribute '{name}'")
    return getattr(importlib.import_module(f"reunlearn.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]


class _Attacks(ModuleType):
    """The package of attacks, whose name is also that of the function that lists them: it can be called."""

    def __call__(self) -> tuple[AttackLine, ...]:
        """Return all attacks; see library/listing.py."""
        lines: tuple[AttackLine, ...] = importlib.import_module("reunlearn.library.listing").attacks()
        return lines


_attacks.__class__ = _Attacks


def load(
    study: str,
    table: str = "results",
    *,
    experiment: str | None = None,
    run: int | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return a table of a study: by default its tidy results, one line per run and metric.

    Args:
        study: name.
        table: results, runs (one line per run), samples and scores (a line per sample of each run), classes,
            histograms, roc, or another that a measure left.
        experiment: only its runs.
        run: only the run with this number of the table `runs`.
        columns: only these, in this order; columns of the table `runs` are added to every other table.

    Raises:
        UserError: the study has no results yet, or no such table or column.
    """
    from pathlib import Path

    from reunlearn.base.errors import UserError

    try:
        from reunlearn.reporting.study_tables import StudyTables
    except ModuleNotFoundError as error:
        raise UserError(f"load needs {error.name}: pip install 'reunlearn[pipeline]'") from None
    from reunlearn.study import paths

    tables = StudyTables(Path(paths.results(study)))
    if not tables.names:
        raise UserError(f"{tables.folder}: no results there; `make reproduce STUDY={study}` makes them")
    return tables.read(table, columns, experiment=experiment, run=run)
