"""The tables' numbers against plain arithmetic on the tidy results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reunlearn.metrics.separation import METRICS as METRICS_OF_SCORES
from reunlearn.metrics.separation import auc
from reunlearn.reporting import rows, tables
from reunlearn.reporting.grids import attack_grid
from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey

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
    table = tables.method_table(whole.data("class-3"))
    assert [row.title for row in rows.keys_of(table)[:3]] == ["Retrain", "Noise floor", "Original"]
    entries = whole.study.experiments[1].methods
    expected = [(e.name, e.reading or "", e.label or "") for e in entries]
    assert list(table.index[3:]) == expected
    assert ("gdr_gma", "code", "wide") in expected


def test_the_first_table_has_the_numbers_that_the_measures_name(data):
    assert data.headline.metrics == METRICS


def test_attacks_stand_in_the_order_of_the_study_after_all_other_measures(data):
    assert list(data.measures) == ["comparison", "evaluation", "shadow_xgboost", "entropy_logistic"]
    assert list(data.attacks) == list(data.experiment.attacks)


@pytest.mark.parametrize("row", [SALUN, FLOOR])
def test_means_deviations_and_gaps(data, row):
    entry = tables.method_table(data).loc[row]
    gaps = []
    for metric in METRICS:
        numbers = values(data, row, metric)
        assert len(numbers) == entry[f"{metric}_n"] == 3
        assert entry[f"{metric}_mean"] == pytest.approx(numbers.mean())
        assert entry[f"{metric}_std"] == pytest.approx(numbers.std(ddof=1))
        gaps.append(abs(numbers.mean() - values(data, RETRAIN, metric).mean()))
        assert entry[f"{metric}_gap"] == pytest.approx(gaps[-1])
    assert entry["avg_gap"] == pytest.approx(np.mean(gaps))


def test_retrain_is_no_distance_from_itself_but_the_floor_is(data):
    table = tables.method_table(data)
    assert table.loc[RETRAIN, "avg_gap"] == 0
    assert table.loc[FLOOR, "avg_gap"] > 0


def test_time_ratio_and_passes(data, holed):
    table = tables.method_table(data)
    pgu, retrain = (values(data, row, "seconds_run").mean() for row in (PGU, RETRAIN))
    assert table.loc[PGU, "time_ratio"] == pytest.approx(pgu / retrain)
    assert table.loc[PGU, ["passes_retain", "passes_forget"]].tolist() == [1, 4]
    elsewhere = tables.method_table(holed.data(EXPERIMENT))
    assert np.isnan(elsewhere.loc[PGU, "time_ratio"])  # made on another device than Retrain
    assert elsewhere.loc[RowKey("finetune"), "time_ratio"] > 0


def marked(gaps, diverged=(), missing=(), decimals=2):
    """Return the marks of a table with these gaps, by method."""
    table = rows.table(
        {
            RowKey(name): {"avg_gap": gap, "diverged": int(name in diverged), "missing": int(name in missing)}
            for name, gap in gaps.items()
        }
    )
    return dict(zip(gaps, tables.marks(table, decimals), strict=True))


def test_only_methods_are_marked():
    gaps = {"retrain": 0.0, "noise_floor": 0.1, "original": 0.2, "a": 3.0, "b": 2.0, "c": 4.0}
    assert {k: v for k, v in marked(gaps).items() if v} == {"b": "best", "a": "second"}


def test_what_is_written_alike_shares_a_rank():
    first = {"a": 1.001, "b": 1.0, "c": 2.0}
    assert marked(first) == {"a": "best", "b": "best", "c": ""}
    assert marked(first, decimals=3) == {"a": "second", "b": "best", "c": ""}
    second = {"a": 1.0, "b": 2.0, "c": 2.0}
    assert marked(second) == {"a": "best", "b": "second", "c": "second"}


def test_a_method_with_diverged_missing_or_no_gap_is_not_marked():
    gaps = {"a": 1.0, "b": 2.0, "c": np.nan, "d": 3.0, "e": 4.0}
    expected = {"a": "", "b": "", "c": "", "d": "best", "e": "second"}
    assert marked(gaps, diverged=("a",), missing=("b",)) == expected


def test_diverged_and_missing_runs_are_counted_and_left_out(holed):
    table = tables.method_table(holed.data(EXPERIMENT))
    counts = table[["finished", "diverged", "missing"]]
    assert counts.loc[ASCENT].tolist() == [2, 1, 0]
    assert counts.loc[LUR].tolist() == [2, 0, 1]
    assert counts.loc[PGU].tolist() == [3, 0, 0]
    assert table.loc[ASCENT, "accuracy_forget_n"] == 2
    assert np.isfinite(table.loc[ASCENT, "avg_gap"])


def test_attacks_have_the_mean_auc_over_the_seeds_that_finished(holed):
    data = holed.data(EXPERIMENT)
    table = tables.attack_table(data)
    aucs = []
    for _, scores in holed.tables.read("scores", experiment=EXPERIMENT).groupby("run"):
        scores = scores[(scores.attack == "entropy_logistic") & (scores.method == "retrain")]
        if len(scores):
            aucs.append(auc(scores[scores.member].score.to_numpy(), scores[~scores.member].score.to_numpy()))
    entry = table.loc[RETRAIN]
    assert len(aucs) == entry["entropy_logistic_seeds"] == 3
    assert entry["entropy_logistic_auc"] == pytest.approx(
        np.mean(aucs), abs=1e-4
    )  # scores are kept as float32
    assert entry["entropy_logistic_auc_low"] < np.mean(aucs) < entry["entropy_logistic_auc_high"]
    assert table.loc[LUR, "entropy_logistic_seeds"] == table.loc[ASCENT, "entropy_logistic_seeds"] == 2
    means = {m: values(data, RETRAIN, f"entropy_logistic.{m}").mean() for m in METRICS_OF_SCORES}
    assert {m: entry[f"entropy_logistic_{m}"] for m in METRICS_OF_SCORES} == pytest.approx(means)
    assert "2 to 3" in attack_grid(table, data).notes[0]


def test_one_seed_has_the_interval_of_its_samples(whole):
    results = whole.results[whole.results.train_seed == 1]
    data = whole.data(EXPERIMENT, results=results)
    entry = tables.attack_table(data).loc[PGU]
    ends = [values(data, PGU, f"shadow_xgboost.auc{end}").item() for end in ("", "_low", "_high")]
    assert entry[[f"shadow_xgboost_auc{end}" for end in ("", "_low", "_high")]].tolist() == ends
    assert "seeds: 1." in attack_grid(tables.attack_table(data), data).notes[0]


def test_everything_missing_gives_rows_without_numbers(nothing):
    data = nothing.data(EXPERIMENT)
    table = tables.method_table(data)
    assert (table["missing"] == 3).all()
    assert table["avg_gap"].isna().all()
    assert set(table["mark"]) == {""}
    assert tables.attack_table(data)["entropy_logistic_auc"].isna().all()


def test_a_study_without_the_entropy_attack_averages_fewer_gaps(whole, data):
    fewer = whole.data(EXPERIMENT, results=whole.results[whole.results.metric != "entropy_logistic"])
    assert fewer.headline.metrics == METRICS[:3]
    one, all_four = (tables.method_table(d).loc[SALUN] for d in (fewer, data))
    assert one["avg_gap"] != all_four["avg_gap"]


def test_an_unknown_experiment_is_refused(whole):
    nowhere = whole.results.assign(experiment="random-0.5")
    with pytest.raises(ValueError, match=r"no experiment 'random-0\.2'"):
        whole.data(EXPERIMENT, results=nowhere)


def test_two_rows_of_one_method_are_told_apart_by_reading_and_by_label():
    keys = [
        ("gdr_gma", "paper", ""),
        ("gdr_gma", "paper", "wide"),
        ("gdr_gma", "code", ""),
        ("retrain", "", ""),
    ]
    frame = pd.DataFrame(keys, columns=rows.KEY).assign(value=range(4))
    parts = rows.by_row(frame)
    assert list(parts) == [RETRAIN, *(RowKey(*key) for key in keys[:3])]
    assert [part["value"].tolist() for part in parts.values()] == [[3], [0], [1], [2]]
    assert RowKey("gdr_gma", "paper", "wide").heading == "gdr_gma@paper+wide"
    assert RowKey("ssd", label="wide").heading == "ssd+wide"
    assert RETRAIN.heading == RETRAIN.title == "Retrain"
