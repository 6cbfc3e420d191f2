"""A report: its page, and what lies beside it. The pages of a study and of an audit are made of the same parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting.cells import Table
from reunlearn.reporting.pages import export
from reunlearn.reporting.pages.glossary import glossary_of
from reunlearn.reporting.pages.overview import Summary
from reunlearn.reporting.pages.sources import sources_of
from reunlearn.reporting.pages.view import View, environment
from reunlearn.reporting.parts import provenance
from reunlearn.reporting.section import Section, Shown

ROOT = "../.."  # of a report in its place: reports/STUDY
Files = dict[str, str | bytes]


@dataclass(frozen=True)
class Report:
    """The page, and the other files by their path relative to it."""

    page: str
    files: Files


def view_of(tables: Sequence[Table], root: str | None, *, single: bool = False) -> View:
    """Return what the templates need to know of a page with these tables."""
    return View(glossary_of(tables), frozenset(table.name for table in tables), root, single)


def summary_of(
    title: str,
    sections: Sequence[Section],
    gathered: Gathered,
    *,
    kind: Literal["study", "audit"],
    headline: str = "",
) -> Summary:
    """Return what the list of reports says of one; the headline is the first section's if none is given."""
    first = f"{sections[0].name}: {sections[0].finding.sentence}" if sections else ""
    return Summary(
        kind=kind,
        title=title,
        headline=headline or first,
        experiments=len(sections),
        made=provenance.gather(gathered.jobs.values()).ended,
        jobs=len(gathered.jobs) + len(gathered.missing),
        missing=len(gathered.missing),
    )


def runs_pages(sections: Iterable[Section], title: str, view: View) -> Files:
    """Return the pages that list the runs of each section."""
    template = environment().get_template("runs.html")
    return {
        view.runs_page(s.name): template.render(title=title, s=s, sources=sources_of(s), view=view)
        for s in sections
    }


def files_of(shown: Iterable[Shown]) -> Files:
    """Return tables and figures as files."""
    files: Files = {}
    for part in shown:
        for table in part.tables:
            files[f"tables/{table.name}.tex"] = export.tex(table)
            files[f"tables/{table.name}.md"] = export.markdown(table)
        for name, frame in part.frames.items():
            files[f"tables/{name}.csv"] = export.csv(frame)
        for drawing in part.drawings:
            files[f"figures/{drawing.name}.svg"] = drawing.svg
            files[f"figures/{drawing.name}.pdf"] = drawing.pdf
            if drawing.points is not None:
                files[drawing.csv] = export.csv(drawing.points.set_index("panel"))
    return files
