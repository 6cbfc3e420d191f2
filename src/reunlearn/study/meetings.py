"""A printed number and the row of ours that it meets: what the plan hands to the report.

The plan joins, the report computes: a meeting holds all that the report needs, so that it reads no configuration.
"""

from __future__ import annotations

from typing import Literal

from reunlearn.study.reported import PrintedCell
from reunlearn.study.specs import RowSpec, Spec


class Term(Spec):
    """A number of a run: a metric, 100 minus a metric, or the distance of two."""

    form: Literal["metric", "error", "distance"]
    metrics: tuple[str, ...]

    @property
    def text(self) -> str:
        """How it follows from the metrics."""
        if self.form == "distance":
            return f"|{self.metrics[0]} − {self.metrics[1]}|"
        return f"100 − {self.metrics[0]}" if self.form == "error" else self.metrics[0]


class Counterpart(Spec):
    """What a printed column is here: a number of each run, or the mean over several of their gaps to Retrain."""

    terms: tuple[Term, ...]
    average: bool = False

    @property
    def text(self) -> str:
        """How it follows from the metrics."""
        terms = [term.text for term in self.terms]
        return f"mean gap to Retrain of {', '.join(terms)}" if self.average else terms[0]


class Average(Spec):
    """A paper's average: the mean over some of its columns of |mean − mean of Retrain|.

    Attributes:
        name, title: what claims and tables call it.
        source: paper and column.
        terms: each column as it is printed, and the metrics that can supply it, of which the first one measured is
            taken: an augmented accuracy exists only where a recipe augments.
    """

    name: str
    title: str
    source: str
    terms: tuple[tuple[str, tuple[str, ...]], ...]


class Meeting(Spec):
    """A printed number and the row of ours that it meets.

    Attributes:
        cell: the printed number.
        row: of ours; None: the experiment has none.
        counterpart: what the printed column is here; None: nothing.
        obstacle: why the two are not compared, or why there is no row; empty where they are.
        remark: what the row stands for.
        open: what the paper leaves open.
    """

    cell: PrintedCell
    row: RowSpec | None = None
    counterpart: Counterpart | None = None
    obstacle: str = ""
    remark: str = ""
    open: tuple[str, ...] = ()
