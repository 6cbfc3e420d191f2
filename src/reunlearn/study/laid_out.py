"""A table of a paper as the report lays it out: what the plan hands over, so that the report reads no configuration."""

from __future__ import annotations

from reunlearn.study.paper_layout import Facet
from reunlearn.study.reported import PrintedCell
from reunlearn.study.specs import Spec


class Place(Spec):
    """A printed number of the table.

    Attributes:
        cell: as it is printed.
        absent: why nothing of a study can stand beside it, where no experiment names it.
        doubt: what is odd about it.
        share: a run time in % of Retrain's and its deviation.
    """

    cell: PrintedCell
    absent: str
    doubt: str = ""
    share: tuple[str, str] | None = None


class LaidOut(Spec):
    """A table of a paper.

    Attributes:
        name: of its files.
        title, caption: above it.
        source: paper and table.
        rows, columns: what they run over, the outer first.
        order: the values of each of these, in the paper's order.
        headings: how a value is written, where it is not as printed.
        says: what each column of numbers is, in words.
        places: its printed numbers.
    """

    name: str
    title: str
    caption: str
    source: str
    rows: tuple[Facet, ...]
    columns: tuple[Facet, ...]
    order: dict[str, tuple[str, ...]]
    headings: dict[str, dict[str, str]]
    says: dict[str, str]
    places: tuple[Place, ...]

    def heading(self, facet: str, value: str) -> str:
        """Return how a value is written."""
        return self.headings.get(facet, {}).get(value, value)
