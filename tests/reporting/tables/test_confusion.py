"""Class by class: what forgotten classes are taken for, and accuracy per set and class."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from reunlearn.reporting.rows import RowKey
from tests.reporting.reading import is_shown, numbers, shown

EXPERIMENT = "class-3"
PGU = RowKey("pgu")


@pytest.fixture(scope="module")
def data(whole):
    """One experiment in which every run finished."""
    return whole.data(EXPERIMENT)


def with_classes(data, *frames: pd.DataFrame):
    """Return the data with other counts of classes."""
    known = {**data.tables.known, "results": data.results, "classes": pd.concat(frames)}
    return dataclasses.replace(data, tables=dataclasses.replace(data.tables, known=known), _frames={})


def classes(counts: dict[tuple[str, int, int], int], seed: int = 0) -> pd.DataFrame:
    """Return the tidy table of one run from {(set, true class, predicted): samples}."""
    columns = ["set", "true_class", "predicted", "samples"]
    frame = pd.DataFrame([(*k, v) for k, v in counts.items()], columns=columns)
    sizes = frame.groupby(["set", "true_class"])["samples"].transform("sum")
    seeds = dict.fromkeys(("train_seed", "split_seed", "method_seed"), seed)
    return frame.assign(of=sizes, experiment=EXPERIMENT, **PGU._asdict(), **seeds)


def test_forgotten_classes_are_those_that_retain_lacks(data):
    both = with_classes(
        data,
        classes({("forget", 3, 3): 1, ("forget", 3, 5): 3, ("forget", 4, 4): 6, ("retain", 4, 4): 9}),
        classes({("forget", 3, 5): 4, ("retain", 4, 4): 9}, seed=1),
    )
    shares = numbers(both, "confusion")[PGU]
    assert {name: share.mean for name, share in shares.items()} == {"3": 12.5, "5": 87.5}
    (row,) = shown(both, "confusion").rows
    assert [(c.main, c.tone) for c in row.cells] == [("12.5", ""), ("87.5", "strong")]
    kept = classes({("forget", 4, 5): 2, ("retain", 4, 4): 1})
    assert not is_shown(with_classes(data, kept), "confusion")


def test_rare_classes_share_a_column(data):
    counts = {("forget", 3, k): 20 - k for k in range(12)} | {("retain", 1, 1): 1}
    table = shown(with_classes(data, classes(counts)), "confusion")
    assert [c.title for c in table.columns] == [*(f"class {k}" for k in range(8)), "4 others"]
    assert sum(float(c.main) for c in table.rows[0].cells) == pytest.approx(100, abs=0.5)


def test_accuracy_per_class_follows_from_what_aggregate_writes(data):
    table = data.frame("classes").loc[PGU]
    test = table[table["set"] == "test"]
    mean = (test["accuracy"] * test["samples"]).sum() / test["samples"].sum()
    results = data.results[(data.results.method == "pgu") & (data.results.metric == "accuracy_test")]
    assert mean == pytest.approx(results["value"].mean())
    assert table.groupby("set")["samples"].sum().to_dict() == {"forget": 180, "retain": 720, "test": 600}


def test_runs_that_did_not_finish_have_no_classes(holed, nothing):
    lines = holed.data(EXPERIMENT).tables["classes"]
    assert set(lines.loc[lines["method"] == "gradient_ascent", "train_seed"]) == {0, 2}
    assert nothing.data(EXPERIMENT).frame("classes").empty
