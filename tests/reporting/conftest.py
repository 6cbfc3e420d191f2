"""One synthetic study for all tests of the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reunlearn.reporting.pages.study import make_report
from reunlearn.study.layout import Layout
from tests.reporting.paper_tables import laid_out, numbered
from tests.study.printed_cells import cell


def report_of(made, printed=None, figures=True, *, paper_tables=(), of_paper=(), **options):
    """Return the report of a study; without its figures where a test looks at none: they take most of the time."""
    paper = {"paper_tables": paper_tables, "of_paper": Layout(of_paper, ())}
    job = made.job(printed=printed or {}, **paper)
    if not figures:
        job = replace(job, sections={name: replace(s, figures=()) for name, s in job.sections.items()})
    return make_report(job, made.tables, made.gathered, **options)


@pytest.fixture(scope="session")
def whole_report(whole):
    """The report of the whole study."""
    return report_of(whole)


def report_with_holes(holed, **options):
    """Return the report of a study with holes; one missing job left a log. It has a paper's table, with groups."""
    cells = numbered(*(cell(m, fraction=f) for m in ("Retrain", "SalUn") for f in ("20%", "50%")))
    table = laid_out(cells, rows=("dataset", "method"), columns=("fraction", "metric"))
    of_paper = {"paper_tables": (table,), "of_paper": ("paper",)}
    return report_of(holed, logs={holed.gathered.missing[0]}, **of_paper, **options)


@pytest.fixture(scope="session")
def holed_report(holed):
    """The report of the study with holes."""
    return report_with_holes(holed)


@pytest.fixture(scope="session")
def empty_report(nothing):
    """The report of a study in which nothing ran."""
    return report_of(nothing)
