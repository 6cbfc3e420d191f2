"""Which row of an experiment a printed number meets: by method, reading, label, settings; or why none is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reunlearn.base.errors import UserError, near
from reunlearn.study import comparable, measuring, methods
from reunlearn.study.cards import Catalogue, Value
from reunlearn.study.load import recipe_of
from reunlearn.study.meetings import Counterpart, Meeting, Term
from reunlearn.study.papers import (
    ANY_LABEL,
    AUGMENTED,
    Paper,
    PrintedColumn,
    PrintedMethod,
    PrintedScenario,
    PrintedTraining,
)
from reunlearn.study.reported import PrintedCell, all_cells
from reunlearn.study.rows import Method
from reunlearn.study.schema import Experiment
from reunlearn.study.shares import printed_share
from reunlearn.study.specs import NOISE_FLOOR, ORIGINAL, RETRAIN, RowSpec

NOT_RUN = "this study does not run it"
NO_NUMBER = "the paper prints no number"
OWN_GAP = "the gap of Retrain to itself is 0 by definition"
OWN_SHARE = "the share of Retrain in itself is 100 % by definition"
NO_SHARE = "the paper prints no run time of Retrain, or none here"
SECOND_RETRAIN = "the noise floor, as a second Retrain"
SEARCHED = "with settings that this study searches"


@dataclass(frozen=True)
class Meaning:
    """What a printed number is, by its paper's file."""

    training: PrintedTraining
    scenario: PrintedScenario
    method: PrintedMethod
    column: PrintedColumn
    terms: tuple[PrintedColumn, ...] = ()  # of an average
    doubt: str = ""
    share: tuple[str, str] | None = None  # of Retrain's, where the column is compared so

    @property
    def absent(self) -> str:
        """Why there can be nothing like it here; empty where there can."""
        parts = (self.training, self.method, self.scenario, self.column)
        return next((part.absent for part in parts if part.absent), "")

    @property
    def open(self) -> tuple[str, ...]:
        """What the paper leaves open, and what was chosen."""
        return tuple(o.words for o in (*self.training.open, *self.scenario.open, *self.method.open))


@dataclass(frozen=True)
class Candidate:
    """A row of an experiment: its settings, and which of them the study changed.

    Attributes:
        row: of the table.
        settings: every hyper-parameter but those that it searches.
        changed: those that the study itself sets, with the value that they would have without it.
        recipe: of its own original; empty where that is the experiment's.
        searched: whether it searches some.
    """

    row: RowSpec
    settings: Mapping[str, Value] = field(default_factory=dict)
    changed: Mapping[str, Value] = field(default_factory=dict)
    recipe: str = ""
    searched: bool = False


@dataclass(frozen=True)
class Ours:
    """What printed numbers can meet in an experiment."""

    experiment: Experiment
    cards: Catalogue
    candidates: tuple[Candidate, ...]
    measured: frozenset[str]
    augments: bool


def meaning_of(cell: PrintedCell, papers: Mapping[str, Paper]) -> Meaning:
    """Return what a printed number is.

    Raises:
        UserError: its paper's file, or a word of it, is missing in config/papers.
    """
    place = f"config/reported/{cell.file}, line {cell.line}"
    if cell.paper not in papers:
        raise UserError(
            f"{place}: no file of config/papers is about '{cell.paper}'; {near(cell.paper, papers)}"
        )
    paper = papers[cell.paper]
    trainings = [t for t in paper.trainings if (t.dataset, t.network) == (cell.dataset, cell.model)]
    scenarios = [
        s
        for s in paper.scenarios
        if cell.scenario in s.scenario and (not s.fraction or cell.fraction in s.fraction)
    ]
    method, column = paper.methods.get(cell.method), paper.column(cell.metric, cell.table)
    if trainings and scenarios and method and column:
        terms = (paper.column(name, cell.table) for name in column.average)
        return Meaning(
            trainings[0],
            scenarios[0],
            method,
            column,
            tuple(t for t in terms if t),
            doubt=paper.doubt(cell),
            share=printed_share(cell, paper, all_cells()) if column.share_of_retrain else None,
        )
    for kind, words, found in (
        ("dataset with network", f"{cell.dataset}, {cell.model}", trainings),
        ("scenario", comparable.what_is_forgotten(cell), scenarios),
        ("method", cell.method, method),
    ):
        if not found:
            raise UserError(
                f"{place}: the {kind} '{words}' is not in the file of '{cell.paper}' in config/papers"
            )
    raise UserError(
        f"{place}: the column '{cell.metric}' is not in the file of '{cell.paper}' in config/papers"
    )


def ours_of(experiment: Experiment, cards: Catalogue, where: str) -> Ours:
    """Return what printed numbers can meet in an experiment."""
    rows = tuple(_candidate(entry, experiment, cards, where) for entry in experiment.methods)
    return Ours(
        experiment,
        cards,
        (*map(Candidate, (*experiment.references, ORIGINAL)), *rows),
        frozenset(spec.name for spec in measuring.chosen(experiment, cards, where)),
        bool(recipe_of(experiment.recipe, where).augmentation),
    )


def _candidate(entry: Method, experiment: Experiment, cards: Catalogue, where: str) -> Candidate:
    settings = methods.resolve(entry, experiment, cards.methods, where).settings
    bare = entry.model_copy(update={"settings": {}})
    before = methods.resolve(bare, experiment, cards.methods, where).settings if entry.settings else settings
    changed = {name: before[name] for name in entry.settings if before[name] != settings[name]}
    known = {name: value for name, value in settings.items() if name not in entry.search}
    return Candidate(methods.row_of(entry), known, changed, entry.recipe or "", bool(entry.search))


def same_setting(cell: PrintedCell, meaning: Meaning, experiment: Experiment, cards: Catalogue) -> bool:
    """Tell whether an experiment has the setting that a number is printed for."""
    return not comparable.setting_differences(cell, meaning.training, meaning.scenario, experiment, cards)


def meet(ours: Ours, cells: Iterable[PrintedCell], papers: Mapping[str, Paper]) -> list[Meeting]:
    """Return a meeting per printed number and row of ours; one without a row where the experiment has none."""
    return [meeting for cell in cells for meeting in _meetings(cell, meaning_of(cell, papers), ours)]


def _meetings(cell: PrintedCell, meaning: Meaning, ours: Ours) -> list[Meeting]:
    differences = comparable.setting_differences(
        cell, meaning.training, meaning.scenario, ours.experiment, ours.cards
    )
    counterpart, unlike = counterpart_of(meaning, ours)
    nothing = "" if cell.mean else NO_NUMBER
    if meaning.share == ("", ""):
        nothing = nothing or NO_SHARE
    setting = meaning.absent or "; ".join(differences) or unlike or nothing
    of_retrain = OWN_GAP if meaning.column.average else OWN_SHARE if meaning.column.share_of_retrain else ""
    found = []
    for candidate in ours.candidates:
        if not _is_row(candidate, meaning.method):
            continue
        floor = candidate.row == NOISE_FLOOR
        if floor and of_retrain:
            continue
        itself = of_retrain if candidate.row == RETRAIN else ""
        found.append(
            Meeting(
                cell=cell,
                row=candidate.row,
                counterpart=counterpart,
                obstacle=setting or itself or _own_settings(candidate, meaning.method),
                remark=SECOND_RETRAIN if floor else SEARCHED if candidate.searched else "",
                open=meaning.open,
                doubt=meaning.doubt,
                share=meaning.share,
            )
        )
    if found:
        return found
    why = meaning.method.absent or _no_row(meaning.method, ours)
    return [
        Meeting(
            cell=cell,
            counterpart=counterpart,
            obstacle=why,
            open=meaning.open,
            doubt=meaning.doubt,
            share=meaning.share,
        )
    ]


def _is_row(candidate: Candidate, printed: PrintedMethod) -> bool:
    """Tell whether a row of ours is a printed one: method, reading, label, settings."""
    row = candidate.row
    if row == NOISE_FLOOR:
        return RETRAIN.method in printed.rows
    return (
        row.method in printed.rows
        and printed.reading in (None, row.reading)
        and (printed.label == ANY_LABEL or printed.label == row.label)
        and all(candidate.settings.get(name) in values for name, values in printed.settings.items())
    )


def _own_settings(candidate: Candidate, printed: PrintedMethod) -> str:
    """Return which settings, or which training, the study changed that the printed row says nothing about."""
    if candidate.recipe:
        return f"its original is trained by the recipe {candidate.recipe}"
    own = [
        f"{name} {_written(candidate.settings[name])} instead of {_written(before)}"
        for name, before in candidate.changed.items()
        if name not in printed.settings
    ]
    return f"the study itself sets {', '.join(own)}" if own else ""


def _no_row(printed: PrintedMethod, ours: Ours) -> str:
    """Return why no row of the experiment is the printed one."""
    alike = [c.row.name for c in ours.candidates if c.row.method in printed.rows]
    if not alike:
        return NOT_RUN
    needed = [f"{name} {' or '.join(map(_written, values))}" for name, values in printed.settings.items()]
    label = [] if printed.label == ANY_LABEL else [f"label {printed.label}" if printed.label else "no label"]
    asked = ", ".join([*needed, *label, *([f"reading {printed.reading}"] if printed.reading else [])])
    return f"{NOT_RUN}: it asks for {asked}, unlike {', '.join(alike)}"


def _written(value: Value) -> str:
    """Return a value as a study writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def counterpart_of(meaning: Meaning, ours: Ours) -> tuple[Counterpart | None, str]:
    """Return what a printed column is in an experiment, and what forbids to compare the two."""
    column = meaning.column
    if column.absent:
        return None, column.absent
    if not column.average:
        term, unlike = _term(column, ours)
        return Counterpart(terms=(term,)), unlike
    terms = [(c, *_term(c, ours)) for c in meaning.terms]
    unlike = next((f"{words} (in its term {term.text})" for _, term, words in terms if words), "")
    return Counterpart(terms=tuple(term for _, term, _ in terms), average=True), unlike


def _term(column: PrintedColumn, ours: Ours) -> tuple[Term, str]:
    """Return a term, and what forbids to compare it."""
    augmented = column.transform == "augmented"
    names = column.metrics
    if augmented and not ours.augments:  # then the training transform changes nothing
        names, augmented = tuple(name.removesuffix(AUGMENTED) for name in names), False
    term = Term(form=_form(column), metrics=names)
    for name in names:
        if name in ours.cards.measures and name not in ours.measured:
            return term, f"{name} is not measured"
        if augmented != name.endswith(AUGMENTED):
            how = ("with the training augmentation on", "without augmentation")
            theirs, mine = how if augmented else how[::-1]
            return term, f"the paper measures {theirs}, ours is measured {mine}"
    return term, ""


def _form(column: PrintedColumn) -> Literal["metric", "error", "distance", "share"]:
    if column.share_of_retrain:
        return "share"
    return "distance" if column.distance else "error" if column.error_of else "metric"
