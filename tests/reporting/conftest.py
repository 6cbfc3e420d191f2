"""One synthetic study for all tests of the report."""

from __future__ import annotations

import pandas as pd
import pytest
import synthetic

from reunlearn.base.files import read_json
from reunlearn.reporting.page import make_report

TABLES = ("results", "samples", "classes", "scores")


def read(folder):
    """Return the tidy tables and runs.json of a results folder, by name."""
    return {n: pd.read_parquet(folder / f"{n}.parquet") for n in TABLES} | {
        "runs": read_json(folder / "runs.json")
    }


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A study in which every run finished."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("whole"))
        return read(synthetic.build())


@pytest.fixture(scope="session")
def holed(tmp_path_factory):
    """Some runs missing, one diverged, one method made on another device."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("holed"))
        return read(synthetic.build(missing=("lur", "salun"), diverged=("gradient_ascent",), device="cuda:0"))


@pytest.fixture(scope="session")
def nothing(tmp_path_factory):
    """Every run missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("nothing"))
        return read(synthetic.build(missing=("all",)))


@pytest.fixture(scope="session")
def whole_report(whole):
    """The report of the whole study."""
    return make_report(**whole, catalogue=synthetic.CATALOGUE)


@pytest.fixture(scope="session")
def holed_report(holed):
    """The report of the study with holes; one of the missing jobs left a log."""
    return make_report(**holed, catalogue=synthetic.CATALOGUE, logs={holed["runs"]["missing"][0]})


@pytest.fixture(scope="session")
def empty_report(nothing):
    """The report of a study in which nothing ran."""
    return make_report(**nothing, catalogue=synthetic.CATALOGUE)
