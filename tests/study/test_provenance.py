"""Where the settings of the five papers' rows come from: every row has a preset, and the page says the same."""

from __future__ import annotations

from typing import Any

import pytest

from reunlearn.commands import settings_docs
from reunlearn.study.methods import row_of
from reunlearn.study.origin import Origin
from reunlearn.study.provenance import DEFAULTS, origins_of
from reunlearn.study.schema import Experiment
from tests.workflow.project import EXPERIMENT

STUDIES = {study.name: study for study in settings_docs.paper_studies()}


def origins(study: str) -> dict[tuple[str, str], Origin]:
    """Return the origin of each row, by experiment and name of the row."""
    return {(e.name, o.row.name): o for e in STUDIES[study].experiments for o in origins_of(e, e.name)}


def of(recipe: str = "tiny", **method: Any) -> Origin:
    """Return the origin of a row on digits."""
    content = {**EXPERIMENT, "recipe": recipe, "methods": [method], "search": {"budget": 2, "seeds": [5]}}
    (origin,) = origins_of(Experiment.model_validate(content), "here")
    return origin


def test_the_page_is_that_of_the_presets() -> None:
    assert set(STUDIES) == {"gdr-gma", "sfr-on", "nabla-tau", "pgu", "lur"}
    assert settings_docs.PAGE.read_text(encoding="utf-8") == settings_docs.page(), "run `make docs`"


@pytest.mark.parametrize("study", STUDIES)
def test_every_row_of_a_paper_s_tables_has_a_preset(study: str) -> None:
    found = origins(study)
    rows = [(e.name, row_of(method).name) for e in STUDIES[study].experiments for method in e.methods]
    assert sorted(found) == sorted(rows)
    assert [place for place, origin in found.items() if origin.source.startswith(DEFAULTS)] == []


@pytest.mark.parametrize(
    ("study", "experiment", "row", "provenance"),
    [
        ("nabla-tau", "table1-15", "nabla_tau", "printed"),  # Table 6
        ("nabla-tau", "table3-3", "finetune", "printed"),
        ("nabla-tau", "table1-3", "scrub", "released"),  # 6 epochs are printed, the rest is official
        ("sfr-on", "cifar10-10", "scrub", "released"),
        ("sfr-on", "tiny-10", "bad_teacher@code", "released"),
        ("gdr-gma", "table2-cifar10-20", "gdr_gma@paper", "released"),  # γ and ε are printed
        ("gdr-gma", "table4-class", "gdr_gma@paper", "unsearched"),  # no code for classes is released
        ("gdr-gma", "table4-class", "finetune", "unsearched"),
        ("pgu", "table1-removal", "eu_k@paper", "unsearched"),  # k alone is printed
        ("lur", "table2-10", "salun@code", "released"),
        ("lur", "table2-50", "salun@code", "unsearched"),
        ("lur", "table1-cifar10-10", "lur", "unsearched"),
    ],
)
def test_some_rows_by_hand(study: str, experiment: str, row: str, provenance: str) -> None:
    assert origins(study)[experiment, row].provenance == provenance


def test_what_the_study_sets_or_searches_is_named() -> None:
    assert of(name="finetune").source == DEFAULTS
    assert of(name="finetune", settings={"epochs": 3}).source == f"{DEFAULTS}; the study sets epochs"
    searched = of(name="finetune", settings={"epochs": 3}, search={"learning_rate": [0.1, 0.2]})
    assert searched.provenance == "searched"
    assert (
        searched.source == f"this study searches learning_rate; the study sets epochs; the rest: {DEFAULTS}"
    )


def test_a_preset_that_gives_nothing_more_is_not_named() -> None:
    values = {"learning_rate": [0.1, 0.2], "epochs": [1, 2]}
    searched = of(name="finetune", settings={"batch_size": 8}, search=values, recipe="digits-small")
    assert searched.source == "this study searches learning_rate, epochs; the study sets batch_size"
    whole = of(name="finetune", search=values, recipe="digits-small")
    assert "the rest: best of " in whole.source
