"""What the papers' words mean here: config/papers/NAME.yaml, one file per paper.

A printed number names its dataset, network, scenario, method and column in the paper's own words. A paper's file says
what each of these is here, which settings of a method a row needs, and what the paper leaves open; or why there is
nothing like it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from reunlearn.base.errors import UserError, near
from reunlearn.base.yaml_files import read_yaml
from reunlearn.study import load
from reunlearn.study.cards import Catalogue, Part, Value
from reunlearn.study.claims import Claim
from reunlearn.study.fields import Name, Strict
from reunlearn.study.paper_layout import PaperFigure, PaperTable
from reunlearn.study.presets import ScenarioConditions
from reunlearn.study.reported import PrintedCell, read_file

ANY_LABEL = "any"
AUGMENTED = "_augmented"  # ends the names of numbers that are measured under the training augmentation
FORMS = ("metric", "error_of", "distance", "share_of_retrain", "average", "absent")  # of a printed column
REFERENCE_ROWS = ("retrain", "original")


def _listed(value: Any) -> Any:
    """Return the list that a single value stands for."""
    return value if isinstance(value, list | tuple) else [value]


def _settings_listed(value: Any) -> Any:
    """Return settings with a list of values each."""
    return {key: _listed(v) for key, v in value.items()} if isinstance(value, dict) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Names = Annotated[tuple[Name, ...], BeforeValidator(_listed, json_schema_input_type=Name | list[Name])]
Needed = Annotated[
    dict[str, tuple[Value, ...]],
    BeforeValidator(_settings_listed, json_schema_input_type=dict[str, Value | list[Value]]),
]


class Open(Strict):
    """Something that a paper leaves open."""

    what: str = Field(description="what it does not say")
    chosen: str = Field(description="what is taken here")

    @property
    def words(self) -> str:
        """Both in one text."""
        return f"{self.what}; here: {self.chosen}"


class OurTraining(Strict):
    """A dataset, a network and recipes of this project."""

    dataset: Name = Field(description="name of the dataset")
    network: Name = Field(description="name of the network; its settings are the defaults")
    pretrained: bool = Field(False, description="whether it starts from official weights")
    recipes: tuple[Name, ...] = Field(min_length=1, description="recipes that train as the paper does")
    validation: int | None = Field(
        None, ge=0, description="samples that are taken out to validate; not stated if absent"
    )
    validation_from: Part = Field("train", description="official set that they are taken out of")


class PrintedTraining(Strict):
    """A pair of dataset and network, as printed, and what it is here."""

    dataset: str = Field(description="as printed")
    network: str = Field(description="as printed")
    ours: OurTraining | None = Field(None, description="what it is here")
    absent: str = Field("", description="why it is nothing here")
    open: tuple[Open, ...] = Field((), description="what the paper leaves open, and what was chosen")

    @model_validator(mode="after")
    def _one(self) -> PrintedTraining:
        _either(self.ours is not None, self.absent, "ours")
        return self


class PrintedScenario(Strict):
    """A scenario, as printed, and what it is here."""

    scenario: Texts = Field(description="as printed")
    fraction: Texts = Field((), description="as printed; any if absent")
    ours: ScenarioConditions | None = Field(
        None, description="what a study's scenario must be; in one step unless it says `steps`"
    )
    step: int | None = Field(None, ge=1, description="which of the steps")
    absent: str = Field("", description="why it is nothing here")
    open: tuple[Open, ...] = Field((), description="what the paper leaves open, and what was chosen")

    @model_validator(mode="after")
    def _one(self) -> PrintedScenario:
        _either(self.ours is not None, self.absent, "ours")
        return self


class PrintedMethod(Strict):
    """A row, as printed, and which rows of a study are it."""

    rows: Names = Field((), description="methods that it can be; `retrain` and `original` are the references")
    reading: Literal["paper", "code"] | None = Field(None, description="of the method; any if absent")
    label: Name | None = Field(
        None, description="of the study's row; absent: rows without a label; any: the settings decide"
    )
    settings: Needed = Field({}, description="hyper-parameters that the row must have: a value or a list")
    heading: str = Field("", description="how the report writes it; as printed if absent")
    absent: str = Field("", description="why it is nothing here")
    open: tuple[Open, ...] = Field((), description="what the paper leaves open, and what was chosen")

    @model_validator(mode="after")
    def _one(self) -> PrintedMethod:
        _either(bool(self.rows), self.absent, "rows")
        return self


class PrintedColumn(Strict):
    """A column, as printed, and how it follows from our numbers."""

    metric: str | None = Field(None, description="it is this number")
    error_of: str | None = Field(None, description="it is 100 minus this number")
    distance: tuple[str, str] | None = Field(None, description="it is the distance of these two")
    share_of_retrain: str | None = Field(
        None, description="it is this number, compared as a share of Retrain's: a run time"
    )
    average: tuple[str, ...] = Field((), description="it is the mean of these columns' gaps to Retrain")
    name: Name | None = Field(
        None, description="of an average: what claims and the table of averages call it"
    )
    title: str = Field("", description="of an average: its heading in the table of averages")
    absent: str = Field("", description="why it is nothing here")
    heading: str = Field("", description="how the report writes it; as printed if absent")
    says: str = Field("", description="what it is and over which samples, in our words")
    transform: Literal["plain", "augmented"] = Field(
        "plain", description="whether the paper measures under the training augmentation"
    )

    @model_validator(mode="after")
    def _one(self) -> PrintedColumn:
        if sum(bool(getattr(self, form)) for form in FORMS) != 1:
            raise ValueError(f"one of {', '.join(FORMS)} is expected")
        if bool(self.average) != bool(self.name and self.title):
            raise ValueError("name and title belong to an average, which needs both")
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The numbers that it is made of; of an average none."""
        return self.distance or tuple(m for m in (self.metric, self.error_of, self.share_of_retrain) if m)


class Paper(Strict):
    """All that is known of a paper: its words and what they mean here, its tables, figures and claims."""

    paper: str = Field(description="as config/reported calls it")
    title: str = Field(description="short name, authors, year")
    citation: str = Field(description="authors, title, venue, year")
    trainings: tuple[PrintedTraining, ...] = Field(description="pairs of dataset and network")
    scenarios: tuple[PrintedScenario, ...] = Field(description="what is forgotten")
    methods: dict[str, PrintedMethod] = Field(description="rows by their printed name")
    columns: dict[str, PrintedColumn] = Field(description="columns by their printed name")
    columns_of: dict[str, dict[str, PrintedColumn]] = Field(
        default_factory=dict, description="columns that mean something else in one table, by table"
    )
    tables: tuple[PaperTable, ...] = Field((), description="its tables, laid out as printed")
    figures: tuple[PaperFigure, ...] = Field((), description="its figures, and what shows the same here")
    claims: tuple[Claim, ...] = Field((), description="what it claims of its own method")

    @model_validator(mode="after")
    def _terms_are_columns(self) -> Paper:
        for name, column in self.columns.items():
            for term in column.average:
                if len(self.columns.get(term, PrintedColumn(absent="-")).metrics) != 1:
                    raise ValueError(f"columns: {name}: {term!r} is no column that a gap can be taken of")
        return self

    @property
    def every_column(self) -> list[tuple[str, PrintedColumn]]:
        """Each heading and what it is; one that is something else in one table stands twice."""
        others = [entry for columns in self.columns_of.values() for entry in columns.items()]
        return [*self.columns.items(), *others]

    def column(self, name: str, table: str) -> PrintedColumn | None:
        """Return what a column of a table is."""
        return self.columns_of.get(table, {}).get(name) or self.columns.get(name)

    def doubt(self, cell: PrintedCell) -> str:
        """Return what is odd about a printed cell; nothing where nothing is."""
        return "; ".join(filter(None, (table.doubt(cell) for table in self.tables)))


def _either(ours: bool, absent: str, name: str) -> None:
    if ours == bool(absent):
        raise ValueError(f"either {name} or absent is expected")


def names() -> list[str]:
    """Return the names of the papers' files."""
    return load.names("papers")


def read_paper(name: str, cards: Catalogue) -> Paper:
    """Return config/papers/NAME.yaml, checked against the catalogue.

    Raises:
        UserError: there is no such file, or it names what does not exist.
    """
    path = load.CONFIG / "papers" / f"{name}.yaml"
    if name not in names():
        raise UserError(f"no paper '{name}' in {path.parent}; {near(name, names())}")
    paper = _read(path, path.absolute(), path.stat().st_mtime_ns)
    _check(paper, cards, str(path))
    return paper


def papers(cards: Catalogue) -> dict[str, Paper]:
    """Return all papers by the name that config/reported gives them."""
    found = (read_paper(name, cards) for name in names())
    return {paper.paper: paper for paper in found}


@cache
def _read(path: Path, absolute: Path, time: int) -> Paper:
    """Return a file's content; remembered by its whole path and its time of change, in nanoseconds."""
    return load.parse(Paper, read_yaml(path), str(path))


def _check(paper: Paper, cards: Catalogue, where: str) -> None:
    """Refuse names of datasets, networks, recipes, methods and hyper-parameters that do not exist."""
    for number, training in enumerate(paper.trainings):
        if ours := training.ours:
            place = f"{where}: trainings.{number}"
            _known(ours.dataset, cards.datasets, f"{place}: dataset")
            _known(ours.network, cards.models, f"{place}: network")
            for recipe in ours.recipes:
                _known(recipe, load.names("recipes"), f"{place}: recipe")
    for printed, method in paper.methods.items():
        place = f"{where}: methods.{printed}"
        for name in method.rows:
            _known(name, [*REFERENCE_ROWS, *cards.methods], f"{place}: method")
            known = cards.methods[name].hyperparameters if name in cards.methods else {}
            for key in method.settings:
                _known(key, known, f"{place}: hyper-parameter")
    for figure in paper.figures:
        for name in figure.ours:
            _known(name, cards.figures, f"{where}: figures: {figure.figure}: figure")
    for table in paper.tables:
        _check_table(table, f"{where}: tables: {table.name}")


def _check_table(table: PaperTable, where: str) -> None:
    """Refuse a layout in which two printed cells have one place, and words that no cell has."""
    cells = table.cells(read_file(table.file))
    if not cells:
        raise UserError(f"{where}: no line of {table.file} is of '{table.table}'")
    places = {tuple(getattr(cell, facet) for facet in (*table.rows, *table.columns)) for cell in cells}
    if len(places) < len(cells):
        raise UserError(
            f"{where}: two printed cells have one place; name in rows or columns what tells them apart"
        )
    for facet, values in table.spans.items():
        printed = {getattr(cell, facet) for cell in cells}
        if printed != set(values):
            raise UserError(f"{where}: spans.{facet}: {table.file} has {', '.join(sorted(printed))}")
    for doubt in table.doubtful:
        if not any(doubt.is_about(cell) for cell in cells):
            raise UserError(f"{where}: doubtful: no printed cell is {doubt.where}")


def _known(name: str, known: Iterable[str], what: str) -> None:
    if name not in known:
        raise UserError(f"{what} '{name}' does not exist; {near(name, known)}")
