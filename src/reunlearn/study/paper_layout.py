"""A paper's tables and figures as data: what they show, how they are laid out, which printed cells are doubtful."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reunlearn.study.fields import Name, Strict
from reunlearn.study.reported import PrintedCell

Facet = Literal["dataset", "model", "scenario", "fraction", "method", "metric"]


class Doubt(Strict):
    """Printed cells of a table that cannot be right, or that look odd."""

    where: dict[str, str] = Field(min_length=1, description="columns of the CSV file, and the values there")
    why: str = Field(description="what is odd about them")

    def is_about(self, cell: PrintedCell) -> bool:
        """Tell whether a printed cell is one of them."""
        return all(getattr(cell, column, None) == value for column, value in self.where.items())


class PaperTable(Strict):
    """A table of a paper."""

    name: Name = Field(description="of its files in the report")
    table: str = Field(description="as the CSV file calls it")
    caption: str = Field(description="what it shows, in our words")
    file: str = Field(description="a file of config/reported: its printed numbers")
    spans: dict[Facet, tuple[str, ...]] = Field(
        description="datasets, networks, fractions as printed, in the paper's order"
    )
    rows: tuple[Facet, ...] = Field(min_length=1, description="what its rows run over, the outer first")
    columns: tuple[Facet, ...] = Field(min_length=1, description="what its columns run over, the outer first")
    doubtful: tuple[Doubt, ...] = Field((), description="printed cells that cannot be right, or look odd")

    @model_validator(mode="after")
    def _once(self) -> PaperTable:
        facets = (*self.rows, *self.columns)
        if len(set(facets)) < len(facets):
            raise ValueError("rows and columns run over the same thing")
        return self

    def cells(self, printed: list[PrintedCell]) -> list[PrintedCell]:
        """Return its cells among those of its file."""
        return [cell for cell in printed if cell.table == self.table]

    def doubt(self, cell: PrintedCell) -> str:
        """Return what is odd about a cell; nothing where nothing is."""
        if cell.table != self.table:
            return ""
        return "; ".join(doubt.why for doubt in self.doubtful if doubt.is_about(cell))


class PaperFigure(Strict):
    """A figure of a paper."""

    figure: str = Field(description="its number")
    shows: str = Field(description="what it shows, in our words")
    ours: tuple[Name, ...] = Field((), description="figures of the report that show the same")
    absent: str = Field("", description="why none does")

    @model_validator(mode="after")
    def _one(self) -> PaperFigure:
        if bool(self.ours) == bool(self.absent):
            raise ValueError("either ours or absent is expected")
        return self
