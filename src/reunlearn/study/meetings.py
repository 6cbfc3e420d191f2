"""A printed number and the row of ours that it meets: what the plan hands to the report.

The plan joins, the report computes: a meeting holds all that the report needs, so that it reads no configuration.
"""

from __future__ import annotations

from typing import Literal

from reunlearn.study.reported import PrintedCell
from reunlearn.study.specs import RowSpec, Spec


class Term(Spec):
    """A number of a run: a metric, 100 minus a metric, the distance of two, or a share of Retrain's in %."""

    form: Literal["metric", "error", "distance", "share"]
    metrics: tuple[str, ...]

    @property
    def text(self) -> str:
        """How it follows from the metrics."""
        if self.form == "distance":
            return f"|{self.metrics[0]} − {self.metrics[1]}|"
        if self.form == "share":
            return f"{self.metrics[0]}, % of Retrain's"
        return f"100 − {self.metrics[0]}" if self.form == "error" else self.metrics[0]


class Counterpart(Spec):
    """What a printed column is here: a number of each run, or the mean over several of their gaps to Retrain."""

    terms: tuple[Term, ...]
    average: bool = False

    @property
    def share(self) -> bool:
        """Whether it is a share of Retrain's number."""
        return any(term.form == "share" for term in self.terms)

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
        open: what the paper leaves open, and what was chosen.
        doubt: what is odd about the printed number.
        share: the printed number in % of Retrain's and its deviation, where it is compared so.
    """

    cell: PrintedCell
    row: RowSpec | None = None
    counterpart: Counterpart | None = None
    obstacle: str = ""
    remark: str = ""
    open: tuple[str, ...] = ()
    doubt: str = ""
    share: tuple[str, str] | None = None

    @property
    def compared(self) -> tuple[str, str]:
        """The number that ours is compared with, and its deviation, as printed or as a share."""
        return self.share or (self.cell.mean, self.cell.std)
