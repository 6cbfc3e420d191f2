"""The tables' numbers against plain arithmetic on the tidy results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reunlearn.metrics.separation import auc
from reunlearn.reporting import lines, tables


def values(results, row, metric, floor=False):
    """Return a metric of one row in random-0.2, by filtering."""
    own = results[(results.experiment == "random-0.2") & (results.row == row) & (results.metric == metric)]
    return own[(own.method_seed >= 1000) == floor]["value"].to_numpy()


def test_references_come_first_and_methods_in_the_order_of_the_study(whole):
    table = tables.method_table(whole["results"], "class-3")
    assert list(table.index[:3]) == ["Retrain", "Noise floor", "Original"]
    assert list(table.index[3:]) == whole["runs"]["study"]["experiments"][1]["methods"]


@pytest.mark.parametrize(
    ("line", "row", "floor"), [("salun", "salun", False), ("Noise floor", "retrain", True)]
)
def test_means_deviations_and_gaps(whole, line, row, floor):
    results = whole["results"]
    found = tables.method_table(results, "random-0.2").loc[line]
    gaps = []
    for metric in tables.METRICS:
        own = values(results, row, metric, floor)
        assert len(own) == found[f"{metric}_n"] == 3
        assert found[f"{metric}_mean"] == pytest.approx(own.mean())
        assert found[f"{metric}_std"] == pytest.approx(own.std(ddof=1))
        gaps.append(abs(own.mean() - values(results, "retrain", metric).mean()))
        assert found[f"{metric}_gap"] == pytest.approx(gaps[-1])
    assert found["avg_gap"] == pytest.approx(np.mean(gaps))


def test_retrain_is_no_distance_from_itself_but_the_floor_is(whole):
    table = tables.method_table(whole["results"], "random-0.2")
    assert table.loc["Retrain", "avg_gap"] == 0
    assert table.loc["Noise floor", "avg_gap"] > 0


def test_time_ratio_and_passes(whole, holed):
    runs = {**whole["runs"], "sizes": {"random-0.2": {"forget": 60, "retain": 240}}}
    table = tables.method_table(whole["results"], "random-0.2", runs)
    pgu, retrain = (values(whole["results"], row, "seconds_run").mean() for row in ("pgu", "retrain"))
    assert table.loc["pgu", "time_ratio"] == pytest.approx(pgu / retrain)
    assert table.loc["pgu", ["passes_retain", "passes_forget"]].tolist() == [1, 4]
    elsewhere = tables.method_table(holed["results"], "random-0.2", holed["runs"])
    assert np.isnan(elsewhere.loc["pgu", "time_ratio"])  # made on another device than Retrain
    assert elsewhere.loc["finetune", "time_ratio"] > 0


def marked(gaps, diverged=(), missing=()):
    """Return the marks of a table with these gaps."""
    table = pd.DataFrame({"avg_gap": gaps})
    table["diverged"] = [int(n in diverged) for n in table.index]
    table["missing"] = [int(n in missing) for n in table.index]
    return dict(zip(table.index, tables.marks(table), strict=True))


def test_only_methods_are_marked():
    gaps = pd.Series({"Retrain": 0.0, "Noise floor": 0.1, "Original": 0.2, "a": 3.0, "b": 2.0, "c": 4.0})
    assert {k: v for k, v in marked(gaps).items() if v} == {"b": "best", "a": "second"}


def test_what_prints_alike_shares_a_rank():
    first = pd.Series({"a": 1.001, "b": 1.0, "c": 2.0})
    assert marked(first) == {"a": "best", "b": "best", "c": ""}
    second = pd.Series({"a": 1.0, "b": 2.0, "c": 2.0})
    assert marked(second) == {"a": "best", "b": "second", "c": "second"}


def test_a_method_with_diverged_missing_or_no_gap_is_not_marked():
    gaps = pd.Series({"a": 1.0, "b": 2.0, "c": np.nan, "d": 3.0, "e": 4.0})
    found = marked(gaps, diverged=("a",), missing=("b",))
    assert found == {"a": "", "b": "", "c": "", "d": "best", "e": "second"}


def test_diverged_and_missing_runs_are_counted_and_left_out(holed):
    table = tables.method_table(holed["results"], "random-0.2", holed["runs"])
    counts = table[["finished", "diverged", "missing"]]
    assert counts.loc["gradient_ascent"].tolist() == [2, 1, 0]
    assert counts.loc["lur"].tolist() == [2, 0, 1]
    assert counts.loc["pgu"].tolist() == [3, 0, 0]
    assert table.loc["gradient_ascent", "accuracy_forget_n"] == 2
    assert np.isfinite(table.loc["gradient_ascent", "avg_gap"])


def test_attacks_pool_the_scores_of_finished_runs(holed):
    results, scores = holed["results"], holed["scores"]
    found = tables.attack_table(results, scores, "random-0.2", ["entropy_logistic"])
    own = scores[(scores.experiment == "random-0.2") & (scores.attack == "entropy_logistic")]
    retrain = own[(own.row == "retrain") & (own.method_seed < 1000)]
    expected = auc(retrain[retrain.member].score.to_numpy(), retrain[~retrain.member].score.to_numpy())
    line = found.loc["Retrain"]
    assert line["entropy_logistic_auc"] == pytest.approx(expected)
    assert line["entropy_logistic_auc_low"] < expected < line["entropy_logistic_auc_high"]
    assert (line["entropy_logistic_members"], line["entropy_logistic_others"]) == (180, 600)
    assert found.loc["lur", "entropy_logistic_members"] == 120
    assert found.loc["gradient_ascent", "entropy_logistic_members"] == 120


def test_everything_missing_gives_lines_without_numbers(nothing):
    table = tables.method_table(nothing["results"], "random-0.2", nothing["runs"])
    assert (table["missing"] == 3).all()
    assert table["avg_gap"].isna().all()
    assert set(table["mark"]) == {""}
    attacks = tables.attack_table(nothing["results"], nothing["scores"], "random-0.2", ["entropy_logistic"])
    assert attacks["entropy_logistic_auc"].isna().all()


def test_a_study_without_the_entropy_attack_averages_fewer_gaps(whole):
    results = whole["results"]
    fewer = results[results.metric != "entropy_logistic"]
    assert tables.gap_metrics(fewer, "random-0.2") == list(tables.METRICS[:3])
    one, all_four = (tables.method_table(r, "random-0.2").loc["salun"] for r in (fewer, results))
    assert one["avg_gap"] != all_four["avg_gap"]


def test_an_unknown_experiment_is_refused(whole):
    with pytest.raises(ValueError, match=r"no experiment 'random-0\.5'"):
        tables.method_table(whole["results"], "random-0.5")


def test_labelled_rows_keep_their_name():
    frame = pd.DataFrame({"row": ["gdr_gma@paper+wide", "retrain", "retrain"], "method_seed": [0, 0, 1000]})
    assert list(lines.with_line(frame)["line"]) == ["gdr_gma@paper+wide", "Retrain", "Noise floor"]
