"""The page of an audit: the section that a study's report has, around a model that no study made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting import numbers
from reunlearn.reporting.cells import Row, Table
from reunlearn.reporting.experiment import Tables, choose
from reunlearn.reporting.pages import overview
from reunlearn.reporting.pages.report import ROOT, Report, files_of, runs_pages, summary_of, view_of
from reunlearn.reporting.pages.sources import sources_of
from reunlearn.reporting.pages.view import environment
from reunlearn.reporting.parts import provenance
from reunlearn.reporting.parts.audit_text import divergences, lead
from reunlearn.reporting.section import Section, build
from reunlearn.study.cards import Catalogue
from reunlearn.study.layout import audit_layout
from reunlearn.study.meetings import Average
from reunlearn.study.schema import Study

CAPTIONS = {  # of tables that a study shows over seeds
    "methods": "one row per model; below, the gap to Retrain",
    "attacks": "each attack's own number; below, its AUC with its 95 % interval",
    "distances": "how far outputs and weights lie from Retrain's",
    "accuracies": "on further sets; below, the gap to Retrain",
}
OF_STUDIES = ("seconds", "passes", "runs")  # columns that only a study can fill


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
    averages: Sequence[Average] = (),
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
        averages: the papers' averages.
        notes: further sentences on what was asked for.
        root: the project's folder, relative to the page.
    """
    (experiment,) = study.experiments
    layout = audit_layout(cards)
    forgotten = experiment.scenario.summary
    data = choose(experiment, tables, layout, gathered, cards, averages=averages, forgotten=forgotten)
    section = _of_models(build(data))
    if data.sizes:
        setting = (*section.setting, ("Retain", f"{numbers.span(*data.sizes.retain)} samples"))
        section = replace(section, setting=setting)
    view = view_of(section.shown.tables, root)
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
    beside = files_of([section.shown]) | runs_pages([section], study.title, view)
    return Report(text, {**beside, overview.FILE: summary.written()})


def _of_models(section: Section) -> Section:
    """Return a section without what only a study of several seeds can show."""
    tables = (_of_one(table) for table in section.shown.tables)
    shown = replace(section.shown, tables=tuple(table for table in tables if table.columns), absent=())
    setting = tuple(pair for pair in section.setting if pair[0] != "Seeds")
    return replace(section, shown=shown, setting=setting)


def _of_one(table: Table) -> Table:
    """Return a table without ranks, and without the columns and notes on seeds and costs."""
    kept = [
        place
        for place, column in enumerate(table.columns)
        if column.key not in OF_STUDIES
        and any(row.cells[place].main != numbers.NOTHING for row in table.rows)
    ]
    name, caption = table.card.name, CAPTIONS.get(table.card.name, table.caption)
    return replace(
        table,
        card=table.card.model_copy(update={"summary": caption}),
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(_without_rank(row, kept) for row in table.rows),
        notes=() if name == "methods" else table.notes,
    )


def _without_rank(row: Row, places: Sequence[int]) -> Row:
    cells = [row.cells[place] for place in places]
    return replace(
        row, cells=tuple(replace(c, tone="" if c.tone in ("best", "second") else c.tone) for c in cells)
    )
