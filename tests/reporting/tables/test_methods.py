"""The first table against plain arithmetic on the tidy results."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey
from reunlearn.reporting.tables import methods
from tests.reporting.reading import cells, numbers, shown

EXPERIMENT = "random-0.2"
SALUN, PGU, LUR = RowKey("salun"), RowKey("pgu"), RowKey("lur")
ASCENT = RowKey("gradient_ascent")
METRICS = ["accuracy_forget", "accuracy_retain", "accuracy_test", "entropy_logistic"]


@pytest.fixture(scope="module")
def data(whole):
    """One experiment in which every run finished."""
    return whole.data(EXPERIMENT)


def values(data, row, metric):
    """Return a metric of one row, by filtering."""
    results = data.results[(data.results.method == row.method) & (data.results.metric == metric)]
    return results["value"].to_numpy()


def test_references_come_first_and_methods_in_the_order_of_the_study(whole):
    keys = list(numbers(whole.data("class-3"), "methods"))
    assert [row.title for row in keys[:3]] == ["Retrain", "Noise floor", "Original"]
    entries = whole.study.experiments[1].methods
    expected = [(e.name, e.reading or "", e.label or "") for e in entries]
    assert keys[3:] == expected
    assert ("gdr_gma", "code", "wide") in expected


def test_the_first_table_has_the_numbers_that_the_measures_name(data):
    assert data.headline.metrics == METRICS


@pytest.mark.parametrize("row", [SALUN, FLOOR])
def test_means_deviations_and_gaps(data, row):
    entry = numbers(data, "methods")[row]
    gaps = []
    for metric in METRICS:
        found = values(data, row, metric)
        assert len(found) == entry[metric].n == 3
        assert entry[metric].mean == pytest.approx(found.mean())
        assert entry[metric].std == pytest.approx(found.std(ddof=1))
        gaps.append(abs(found.mean() - values(data, RETRAIN, metric).mean()))
        assert entry[metric].gap == pytest.approx(gaps[-1])
    assert entry["avg_gap"].mean == pytest.approx(np.mean(gaps))


def test_retrain_is_no_distance_from_itself_but_the_floor_is(data):
    gaps = methods.average_gaps(data)
    assert gaps[RETRAIN] == 0
    assert gaps[FLOOR] > 0


def test_time_ratio_and_passes(data, holed):
    found = numbers(data, "methods")[PGU]
    pgu, retrain = (values(data, row, "seconds_run").mean() for row in (PGU, RETRAIN))
    assert found["time_ratio"].mean == pytest.approx(pgu / retrain)
    assert (found["passes_retain"].mean, found["passes_forget"].mean) == (1, 4)
    elsewhere = numbers(holed.data(EXPERIMENT), "methods")
    assert np.isnan(elsewhere[PGU]["time_ratio"].mean)  # made on another device than Retrain
    assert elsewhere[RowKey("finetune")]["time_ratio"].mean > 0


def marked(whole, gaps, diverged=(), missing=(), decimals=2):
    """Return the marks of rows with these gaps, by method."""
    lines = []
    for method, gap in {"retrain": 0.0, **gaps}.items():
        bad = "diverged" if method in diverged else "missing" if method in missing else ""
        for seed, status in enumerate(["finished", bad or "finished"]):
            seeds = dict.fromkeys(("train_seed", "split_seed", "method_seed"), seed)
            key = {"method": method, "reading": "", "label": ""}
            number = {"metric": "loss", "value": gap}
            lines.append({"experiment": EXPERIMENT, **key, **seeds, "status": status, **number})
    data = whole.data(EXPERIMENT, results=pd.DataFrame(lines))
    headline = dataclasses.replace(whole.data(EXPERIMENT).headline, gap_decimals=decimals)
    vars(data)["headline"] = dataclasses.replace(headline, cards={"loss": headline.cards[METRICS[0]]})
    return {row.method: mark for row, mark in methods.marks(data).items()}


def test_only_methods_are_marked(whole):
    gaps = {"noise_floor": 0.1, "original": 0.2, "a": 3.0, "b": 2.0, "c": 4.0}
    assert marked(whole, gaps) == {"b": "best", "a": "second"}


def test_what_is_written_alike_shares_a_rank(whole):
    first = {"a": 1.001, "b": 1.0, "c": 2.0}
    assert marked(whole, first) == {"a": "best", "b": "best"}
    assert marked(whole, first, decimals=3) == {"a": "second", "b": "best"}
    second = {"a": 1.0, "b": 2.0, "c": 2.0}
    assert marked(whole, second) == {"a": "best", "b": "second", "c": "second"}


def test_a_method_with_diverged_missing_or_no_gap_is_not_marked(whole):
    gaps = {"a": 1.0, "b": 2.0, "c": np.nan, "d": 3.0, "e": 4.0}
    assert marked(whole, gaps, diverged=("a",), missing=("b",)) == {"d": "best", "e": "second"}


def test_diverged_and_missing_runs_are_counted_and_left_out(holed):
    data = holed.data(EXPERIMENT)
    assert data.counts[ASCENT] == (2, 1, 0)
    assert data.counts[LUR] == (2, 0, 1)
    assert data.counts[PGU] == (3, 0, 0)
    found = numbers(data, "methods")[ASCENT]
    assert found["accuracy_forget"].n == 2
    assert found["avg_gap"].known


def test_everything_missing_gives_rows_without_numbers(nothing):
    data = nothing.data(EXPERIMENT)
    assert {counts.missing for counts in data.counts.values()} == {3}
    assert not any(found["avg_gap"].known for found in numbers(data, "methods").values())
    assert methods.marks(data) == {}


def test_a_study_without_the_entropy_attack_averages_fewer_gaps(whole, data):
    fewer = whole.data(EXPERIMENT, results=whole.results[whole.results.metric != "entropy_logistic"])
    assert fewer.headline.metrics == METRICS[:3]
    one, all_four = (methods.average_gaps(d)[SALUN] for d in (fewer, data))
    assert one != all_four


def test_passes_are_over_each_run_s_own_sets(whole):
    results = whole.results.copy()
    half = (results.metric == "size_retain") & (results.train_seed == 0)
    results.loc[half, "value"] = 120.0  # of 240: a split of another size
    data = whole.data("class-3", results=results)
    assert numbers(data, "methods")[PGU]["passes_retain"].mean == pytest.approx((2 + 1 + 1) / 3)
    assert data.sizes is not None
    assert (data.sizes.retain, data.sizes.train) == ((120, 240), (180, 300))


def test_earlier_steps_count_as_training_samples(whole):
    lines = whole.results[whole.results.metric == "size_forget"].assign(metric="size_earlier", value=50.0)
    chained = whole.data("class-3", results=pd.concat([whole.results, lines]))
    sizes, alone = chained.sizes, whole.data("class-3")
    assert (sizes.forget, sizes.train) == ((60, 60), (350, 350))
    over = [numbers(data, "methods")[PGU]["passes_retain"].mean for data in (chained, alone)]
    assert over == [1, 1]  # over what retain holds in this step


def test_a_method_of_which_every_run_diverged_says_so(whole):
    results = whole.results.copy()
    results.loc[results.method == "lur", "status"] = "diverged"
    found = cells(whole.data("class-3", results=results), "methods")
    assert found[LUR]["accuracy_forget"].main == "diverged"
    assert found[LUR]["runs"].below == "3 diverged"
    assert found[PGU]["accuracy_forget"].main != "diverged"


def test_a_cell_with_fewer_runs_than_its_row_says_so(whole):
    results = whole.results.copy()
    one = (results.method == "pgu") & (results.metric == "entropy_logistic") & (results.train_seed == 1)
    found = cells(whole.data(EXPERIMENT, results=results[~one]), "methods")[PGU]
    assert found["entropy_logistic"].main.endswith(" (n = 2)")
    assert "n =" not in found["accuracy_test"].main
    assert shown(whole.data(EXPERIMENT), "methods").columns[-1].key == "runs"


def test_a_row_of_two_precisions_is_marked_and_its_time_not_compared(data):
    model = next(run.model for run in data.runs if run.row.method == "salun")
    job = data.jobs[model]
    mixed = job.model_copy(update={"record": job.record.model_copy(update={"precision": "mixed"})})
    marked = dataclasses.replace(data, jobs={**data.jobs, model: mixed}, _frames={})
    for experiment, remark, ratio_known in ((data, "", True), (marked, methods.IN_TWO_PRECISIONS, False)):
        row = next(row for row in shown(experiment, "methods").rows if row.key == SALUN)
        assert row.remark == remark
        assert np.isfinite(numbers(experiment, "methods")[SALUN]["time_ratio"].mean) == ratio_known
