"""The page of an audit: the section that a study's report has, around a model that no study made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting import numbers, overview, provenance
from reunlearn.reporting.audit_text import divergences, lead
from reunlearn.reporting.experiment_data import Tables, choose
from reunlearn.reporting.grid import Grid, Row
from reunlearn.reporting.page import ROOT, Report, files_of, summary_of, view_of
from reunlearn.reporting.sections import Section, build
from reunlearn.reporting.sources import sources_of
from reunlearn.reporting.view import environment
from reunlearn.study.cards import Catalogue
from reunlearn.study.schema import Study

CAPTIONS = {
    "Methods": "one row per model; below, the gap to Retrain",
    "Attacks": "each attack's own number; below, its AUC with its 95 % interval",
    "Distances": "how far outputs and weights lie from Retrain's",
    "Accuracies": "on further sets; below, the gap to Retrain",
}
OF_STUDIES = ("seconds", "passes", "runs")  # columns that only a study can fill
NOT_OF_ONE = ("Significance", "Costs")  # tables that need seeds, or a known training


@dataclass(frozen=True)
class File:
    """A file that the audit read: what it is, where it lay, and what it held."""

    role: str
    path: str
    sha256: str


def make_audit_page(
    study: Study,
    tables: Tables,
    gathered: Gathered,
    cards: Catalogue,
    *,
    files: Sequence[File],
    left_out: Mapping[str, str],
    command: str,
    notes: Sequence[str] = (),
    root: str | None = ROOT,
) -> Report:
    """Return the page and the files beside it.

    Args:
        study: one experiment, whose rows are the models; its title is the page's.
        tables: what the stage `aggregate` writes.
        gathered: what it writes to runs.json.
        cards: of the measures that were made.
        files: what was read.
        left_out: attacks that did not run, with the reason.
        command: what makes the page again.
        notes: further sentences on what was asked for.
        root: the project's folder, relative to the page.
    """
    (experiment,) = study.experiments
    data = choose(experiment, tables, gathered, cards, forgotten=experiment.scenario.summary)
    section = _of_models(build(data))
    if data.sizes:
        setting = (*section.setting, ("Retain", f"{numbers.span(*data.sizes.retain)} samples"))
        section = replace(section, setting=setting)
    view = view_of(section.grids, root)
    sentence = lead(section.finding, section.headline, data.by_row)
    text = (
        environment()
        .get_template("audit.html")
        .render(
            view=view,
            study=study,
            s=section,
            sources={section.name: sources_of(section)},
            sentence=sentence,
            notes=[*divergences(data.by_row), *notes],
            files=files,
            left_out=left_out,
            command=command,
            provenance=provenance.gather(gathered.jobs.values()),
        )
    )
    summary = summary_of(study.title, [section], gathered, kind="audit", headline=sentence)
    return Report(text, {**files_of([section], study.title, view), overview.FILE: summary.written()})


def _of_models(section: Section) -> Section:
    """Return a section without what only a study of several seeds can show."""
    grids = [_of_one(grid) for grid in section.grids if grid.title not in NOT_OF_ONE]
    hidden = {grid.name for grid in section.grids if grid.title in NOT_OF_ONE}
    return replace(
        section,
        grids=tuple(grid for grid in grids if grid.columns),
        setting=tuple(pair for pair in section.setting if pair[0] != "Seeds"),
        numbers={name: table for name, table in section.numbers.items() if name not in hidden},
        absent=(),
    )


def _of_one(grid: Grid) -> Grid:
    """Return a grid without ranks, and without the columns and notes on seeds and costs."""
    kept = [
        place
        for place, column in enumerate(grid.columns)
        if column.key not in OF_STUDIES and any(row.cells[place].main != numbers.NOTHING for row in grid.rows)
    ]
    return replace(
        grid,
        caption=CAPTIONS.get(grid.title, grid.caption),
        columns=tuple(grid.columns[place] for place in kept),
        rows=tuple(_without_rank(row, kept) for row in grid.rows),
        notes=() if grid.title == "Methods" else grid.notes,
    )


def _without_rank(row: Row, places: Sequence[int]) -> Row:
    cells = [row.cells[place] for place in places]
    return replace(
        row, cells=tuple(replace(c, tone="" if c.tone in ("best", "second") else c.tone) for c in cells)
    )
