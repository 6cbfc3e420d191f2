"""Tables of distances, accuracies, averages, costs and classes: their numbers, and what they leave out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reunlearn.reporting import averages, confusions, cost_table, lines, metric_tables
from reunlearn.reporting.definitions import ACCURACIES, DISTANCES
from reunlearn.reporting.tables import method_table

EXPERIMENT = "class-3"


def test_distances_are_means_over_seeds_and_the_floor_has_them(whole):
    results = whole["results"]
    table = metric_tables.measured_table(results, EXPERIMENT, list(DISTANCES))
    own = results[(results.experiment == EXPERIMENT) & (results.row == "pgu") & (results.metric == "d_kl")][
        "value"
    ]
    assert table.loc["pgu", ["d_kl_mean", "d_kl_std"]].tolist() == pytest.approx(
        [own.mean(), own.std(ddof=1)]
    )
    assert table.loc[lines.FLOOR, "d_kl_n"] == 3
    grid = metric_tables.distance_grid(table, EXPERIMENT)
    assert [c.key for c in grid.columns] == ["d_kl", "kl_test", "js_forget"]  # what was measured
    assert all(column.card["compares"] for column in grid.columns)
    assert {cell.below for line in grid.lines for cell in line.cells} == {""}


def test_accuracies_show_their_gap_to_retrain(whole):
    results = whole["results"].replace({"metric": {"loss_test": "accuracy_validation"}})
    table = metric_tables.measured_table(results, EXPERIMENT, list(ACCURACIES))
    apart = abs(
        table.loc["pgu", "accuracy_validation_mean"] - table.loc[lines.RETRAIN, "accuracy_validation_mean"]
    )
    assert table.loc["pgu", "accuracy_validation_gap"] == pytest.approx(apart)
    cells = {line.name: line.cells[0] for line in metric_tables.accuracy_grid(table, EXPERIMENT).lines}
    assert cells["pgu"].below == f"{apart:.1f}"
    assert cells[lines.RETRAIN].below == ""


def test_a_line_that_diverged_says_so(whole):
    results = whole["results"].copy()
    results.loc[results.row == "lur", "status"] = "diverged"
    grid = metric_tables.distance_grid(
        metric_tables.measured_table(results, EXPERIMENT, list(DISTANCES)), EXPERIMENT
    )
    assert {line.name: line.cells[0].main for line in grid.lines}["lur"] == "diverged"


def test_averages_need_all_four_columns_of_a_paper(whole):
    table = averages.average_table(whole["results"], EXPERIMENT)
    methods = method_table(whole["results"], EXPERIMENT)
    assert table["avg_d_sfr_on"].to_numpy() == pytest.approx(methods["avg_gap"].to_numpy())
    assert table["avg_gap_lur"].isna().all()  # confidence_svc was not run
    grid = averages.average_grid(table, EXPERIMENT)
    assert grid is not None
    assert [c.key for c in grid.columns] == ["avg_gap_gdr_gma", "avg_d_sfr_on", "n"]
    fewer = whole["results"][whole["results"].metric != "entropy_logistic"]
    assert averages.average_grid(averages.average_table(fewer, EXPERIMENT), EXPERIMENT) is None


def test_costs_are_shares_of_retrain_and_passes_over_what_was_drawn(whole, holed):
    runs = {**whole["runs"], "sizes": {EXPERIMENT: {"forget": 60, "retain": 240, "train": 300}}}
    methods = method_table(whole["results"], EXPERIMENT, runs)
    table = cost_table.cost_table(whole["results"], EXPERIMENT, methods, 300)
    assert table.loc["pgu", "time_share_mean"] == pytest.approx(100 * methods.loc["pgu", "time_ratio"])
    assert table.loc["pgu", "passes_train_mean"] == pytest.approx((1 * 240 + 4 * 60) / 300)
    assert table.loc["pgu", "peak_memory_mib_mean"] == 410.2
    assert table.loc[lines.RETRAIN, "time_share_mean"] == 100
    assert np.isnan(table.loc[lines.RETRAIN, "passes_train_mean"])
    assert "peak_gpu_memory_mib" not in [c.key for c in cost_table.cost_grid(table, EXPERIMENT).columns]
    elsewhere = method_table(holed["results"], EXPERIMENT, holed["runs"])
    found = cost_table.cost_table(holed["results"], EXPERIMENT, elsewhere, 300)
    assert np.isnan(found.loc["pgu", "time_share_mean"])  # made on another device than Retrain


def classes(counts: dict[tuple[str, int, int], int], row: str = "pgu", seed: int = 0) -> pd.DataFrame:
    """Return the tidy table of one run from {(set, label, predicted): samples}."""
    frame = pd.DataFrame(
        [(*k, v) for k, v in counts.items()], columns=["set", "label", "predicted", "samples"]
    )
    sizes = frame.groupby(["set", "label"])["samples"].transform("sum")
    keys = {"experiment": EXPERIMENT, "row": row, "train_seed": seed, "split_seed": seed, "method_seed": seed}
    return frame.assign(of=sizes, **keys)


def test_forgotten_classes_are_those_that_retain_lacks(whole):
    frame = pd.concat(
        [
            classes({("forget", 3, 3): 1, ("forget", 3, 5): 3, ("forget", 4, 4): 6, ("retain", 4, 4): 9}),
            classes({("forget", 3, 5): 4, ("retain", 4, 4): 9}, seed=1),
        ]
    )
    table = confusions.confusion_table(frame, whole["results"], EXPERIMENT)
    assert table.loc["pgu"].to_dict() == {3: 12.5, 5: 87.5}
    (line,) = confusions.confusion_grid(table, EXPERIMENT).lines
    assert [(c.main, c.tone) for c in line.cells] == [("12.5", ""), ("87.5", "strong")]
    kept = classes({("forget", 4, 5): 2, ("retain", 4, 4): 1})
    assert confusions.confusion_table(kept, whole["results"], EXPERIMENT).empty


def test_rare_classes_share_a_column(whole):
    counts = {("forget", 3, k): 20 - k for k in range(12)} | {("retain", 1, 1): 1}
    table = confusions.confusion_table(classes(counts), whole["results"], EXPERIMENT)
    grid = confusions.confusion_grid(table, EXPERIMENT)
    assert [c.title for c in grid.columns] == [*(f"class {k}" for k in range(8)), "4 others"]
    assert sum(float(c.main) for c in grid.lines[0].cells) == pytest.approx(100, abs=0.5)


def test_accuracy_per_class_follows_from_what_aggregate_writes(whole):
    results = whole["results"]
    table = confusions.class_table(whole["classes"], results, EXPERIMENT)
    own = table.loc["pgu"]
    test = own[own["set"] == "test"]
    mean = (test["accuracy"] * test["samples"]).sum() / test["samples"].sum()
    accuracy = results[(results.experiment == EXPERIMENT) & (results.row == "pgu")]
    assert mean == pytest.approx(accuracy[accuracy.metric == "accuracy_test"]["value"].mean())
    assert own.groupby("set")["samples"].sum().to_dict() == {"forget": 180, "retain": 720, "test": 600}


def test_runs_that_did_not_finish_have_no_classes(whole, nothing):
    bad = classes({("forget", 3, 0): 5}).assign(row="nobody")
    assert confusions.confusion_table(bad, whole["results"], EXPERIMENT).empty
    assert confusions.class_table(nothing["classes"], nothing["results"], EXPERIMENT).empty
