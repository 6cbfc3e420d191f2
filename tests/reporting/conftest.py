"""One synthetic study for all tests of the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reunlearn.reporting.pages.study import make_report
from tests.reporting import synthetic


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A study in which every run finished."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("whole"))
        return synthetic.make()


@pytest.fixture(scope="session")
def holed(tmp_path_factory):
    """Some runs missing, one diverged, one method made on another device."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("holed"))
        return synthetic.make(missing=("lur", "salun"), diverged=("gradient_ascent",), device="cuda:0")


@pytest.fixture(scope="session")
def nothing(tmp_path_factory):
    """Every run missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("nothing"))
        return synthetic.make(missing=("all",))


def report_of(made, printed=None, figures=True, **options):
    """Return the report of a study; without its figures where a test looks at none: they take most of the time."""
    job = made.job(printed=printed or {})
    if not figures:
        job = replace(job, sections={name: replace(s, figures=()) for name, s in job.sections.items()})
    return make_report(job, made.tables, made.gathered, **options)


@pytest.fixture(scope="session")
def whole_report(whole):
    """The report of the whole study."""
    return report_of(whole)


@pytest.fixture(scope="session")
def holed_report(holed):
    """The report of the study with holes; one of the missing jobs left a log."""
    return report_of(holed, logs={holed.gathered.missing[0]})


@pytest.fixture(scope="session")
def empty_report(nothing):
    """The report of a study in which nothing ran."""
    return report_of(nothing)
