"""Bars of what samples of the forgotten class show, and curves over steps."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from reunlearn.reporting.figures import generated_detections, generated_steps
from reunlearn.reporting.rows import KEY, ORIGINAL, RETRAIN, SEEDS, RowKey
from reunlearn.study.specs import MethodSpec
from tests.reporting import sweeps as made

SALUN, ESD = RowKey("salun", "code"), RowKey("esd")
NAMES = ("cat", "dog", "horse", "tulip")


def detections(counts: dict[RowKey, list[dict[int, int]]], forgotten: tuple[int, ...] = (1,)) -> Any:
    """Return what the bars are made from: of each row, per run, the answers to samples of class 1; class 0 is right."""
    lines = [
        (*row, seed, seed, seed, asked, answered, count)
        for row, runs in counts.items()
        for seed, answers in enumerate(runs)
        for asked, answered, count in [*((1, k, n) for k, n in answers.items()), (0, 0, 99)]
    ]
    columns = [*KEY, *SEEDS, "asked", "answered", "count"]
    return SimpleNamespace(
        tables={"drawn": pd.DataFrame(lines, columns=columns)},
        by_row=dict.fromkeys((RETRAIN, ORIGINAL, SALUN, ESD)),
        experiment=SimpleNamespace(
            scenario=SimpleNamespace(classes=forgotten), dataset=SimpleNamespace(name="some")
        ),
        cards=SimpleNamespace(datasets={"some": SimpleNamespace(class_names=NAMES)}),
    )


def bars(drawn: Any) -> dict[tuple[str, str], dict[str, float]]:
    points = drawn.points
    return {key: dict(zip(p["x"], p["y"], strict=True)) for key, p in points.groupby(["panel", "series"])}


def test_bars_count_the_answers_to_forgotten_samples_mean_over_runs() -> None:
    counts = {RETRAIN: [{2: 8}], ORIGINAL: [{1: 8}], SALUN: [{1: 1, 2: 7}, {1: 3, 3: 5}]}
    found = bars(generated_detections.draw(detections(counts)))
    assert found["salun@code", "after unlearning"] == {"dog": 2, "horse": 3.5, "tulip": 2.5}
    assert found["salun@code", "Retrain"] == {"dog": 0, "horse": 8, "tulip": 0}
    assert {panel for panel, _ in found} == {"salun@code"}, "a row without samples has no panel"


def test_bars_stand_beside_the_original_where_nothing_is_retrained() -> None:
    counts = {ORIGINAL: [{1: 8}], SALUN: [{2: 8}], ESD: [{1: 4, 2: 4}]}
    found = bars(generated_detections.draw(detections(counts)))
    assert found["esd", "Original"] == {"dog": 8, "horse": 0}
    assert {panel for panel, _ in found} == {"salun@code", "esd"}


def test_the_forgotten_class_is_shown_even_if_nothing_is_taken_for_it() -> None:
    counts = {SALUN: [{2: 8}]}
    drawn = generated_detections.draw(detections(counts))
    assert bars(drawn)["salun@code", "after unlearning"] == {"dog": 0, "horse": 8}
    colours = {t.get_text(): t.get_color() for t in drawn.figure.axes[0].get_xticklabels()}
    assert colours["dog"] == generated_detections.FORGET != colours["horse"]


def test_without_methods_there_are_no_bars() -> None:
    empty = detections({ORIGINAL: [{1: 8}]})
    assert generated_detections.draw(empty) == "No bars of what samples show: no run of a method finished."


def swept(data: Any, setting: str) -> Any:
    """Return an experiment whose rows of a method differ in steps, with numbers of samples."""
    steps = iter((10, 40, 20))
    runs = []
    by_row: dict[Any, int] = {}
    for run in data.runs:
        if run.row.method == "gdr_gma":
            by_row.setdefault(run.row, next(steps) if run.row not in by_row else 0)
            method = MethodSpec(name="gdr_gma", reading="paper", settings={setting: by_row[run.row]})
            run = run.changed(method=method)
        runs.append(run)
    results = data.results.replace(
        {
            "metric": {
                "accuracy_forget": "generated_forget",
                "loss_test": "clf_fd",
                "loss_forget": "clf_fd_floor",
            }
        }
    )
    tables = dataclasses.replace(data.tables, known={**data.tables.known, "results": results})
    return dataclasses.replace(data, runs=tuple(runs), tables=tables, _frames={})


@pytest.mark.parametrize("setting", ["steps", "epochs"])
def test_curves_over_steps_begin_with_the_original(sweeps, setting: str) -> None:
    data = swept(sweeps.data("size-10"), setting)
    drawn = generated_steps.draw(data)
    assert not isinstance(drawn, str)
    points = drawn.points
    for panel, metric in (
        (f"FA (%) over {setting}", "generated_forget"),
        (f"clf_fd over {setting}", "clf_fd"),
    ):
        curve = points[(points["panel"] == panel) & (points["series"] == "gdr_gma@paper")]
        assert curve["x"].tolist() == [0, 10, 20, 40]
        runs = data.finished[ORIGINAL]
        assert curve["y"].iloc[0] == pytest.approx(runs[metric].mean())
        assert curve["y"].nunique() > 1
    assert "floor" in set(points[points["panel"] == f"clf_fd over {setting}"]["series"])


def test_a_row_without_a_number_is_no_point(sweeps) -> None:
    data = swept(sweeps.data("size-10"), "steps")
    results = data.results[(data.results["method"] != "original") | (data.results["metric"] != "clf_fd")]
    tables = dataclasses.replace(data.tables, known={**data.tables.known, "results": results})
    drawn = generated_steps.draw(dataclasses.replace(data, tables=tables, _frames={}))
    assert not isinstance(drawn, str)
    points = drawn.points[drawn.points["series"] == "gdr_gma@paper"]
    assert points[points["panel"] == "clf_fd over steps"]["x"].tolist() == [10, 20, 40]
    assert points[points["panel"] == "FA (%) over steps"]["x"].tolist() == [0, 10, 20, 40], "the control"


def test_other_settings_make_no_curves_over_steps(sweeps) -> None:
    assert generated_steps.draw(swept(sweeps.data("size-10"), "gamma")) == ""
    assert generated_steps.draw(sweeps.data("size-10")) == ""
    assert made.SETTINGS, "control: that study has rows that differ in a setting"
