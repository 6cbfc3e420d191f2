"""A figure as it is shown and as files."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.reporting.cells import file_name
from reunlearn.reporting.drawing import style
from reunlearn.reporting.drawing.points import points_of
from reunlearn.study.cards import FigureCard


@dataclass(frozen=True)
class Drawn:
    """What a figure of the registry draws.

    Attributes:
        figure: of matplotlib.
        caption: what is written below it.
        title: besides its card's.
        numbers: that it shows, where they are neither curves nor bars; columns of `points.COLUMNS`.
    """

    figure: Figure
    caption: str
    title: str = ""
    numbers: pd.DataFrame | None = None

    @property
    def points(self) -> pd.DataFrame:
        """The numbers that it shows."""
        return points_of(self.figure) if self.numbers is None else self.numbers


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
        card: what figure it is.
        of: the experiment; nothing for a figure over all of them.
        title, caption: its texts.
        svg, pdf: its files.
        points: what it draws where this is no table of the page; it becomes a CSV file beside the figure.
    """

    card: FigureCard
    of: str
    title: str
    caption: str
    svg: str
    pdf: bytes
    points: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        """The name of its files."""
        return file_name(self.of, self.card.name)

    @property
    def table(self) -> str:
        """The name of the table that it is drawn from, or that says most about what it shows."""
        return file_name(self.of, self.card.table)

    @property
    def csv(self) -> str:
        """The file of the numbers that it draws, relative to the page."""
        return f"tables/{self.table}.csv" if self.points is None else f"figures/{self.name}.csv"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return style.size_of(self.svg)

    @property
    def element(self) -> str:
        """The figure as an element of a page of a single file."""
        return style.inline(self.svg, self.name.replace(".", "_"), self.title)


def drawing_of(drawn: Drawn, card: FigureCard, of: str) -> Drawing:
    """Return a figure as it is shown and as files; see `Drawing`."""
    points = drawn.points if card.points else None
    style.settle(drawn.figure)
    svg, pdf = style.to_svg(drawn.figure), style.to_pdf(drawn.figure)
    return Drawing(card, of, drawn.title or card.title, drawn.caption, svg, pdf, points)
