"""Tables of distances, accuracies, averages, costs and classes: their numbers, and what they leave out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from reunlearn.reporting import averages, confusions, cost_table, metric_tables
from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey
from reunlearn.reporting.tables import method_table
from tests.reporting import cards, synthetic

EXPERIMENT = "class-3"
PGU = RowKey("pgu")


@pytest.fixture(scope="module")
def data(whole):
    """One experiment in which every run finished."""
    return whole.data(EXPERIMENT)


def test_distances_are_means_over_seeds_and_the_floor_has_them(data):
    table = metric_tables.distance_table(data)
    results = data.results
    values = results[(results.method == "pgu") & (results.metric == "d_kl")]["value"]
    assert table.loc[PGU, ["d_kl_mean", "d_kl_std"]].tolist() == pytest.approx(
        [values.mean(), values.std(ddof=1)]
    )
    assert table.loc[FLOOR, "d_kl_n"] == 3
    grid = metric_tables.distance_grid(table, EXPERIMENT)
    assert [c.key for c in grid.columns] == ["d_kl", "kl_test", "js_forget"]  # what was measured
    assert [c.unit for c in grid.columns] == ["nats"] * 3
    assert all(column.card and column.card.compares for column in grid.columns)
    assert {cell.below for row in grid.rows for cell in row.cells} == {""}


def test_accuracies_show_their_gap_to_retrain(whole):
    results = whole.results.replace({"metric": {"loss_test": "accuracy_validation"}})
    table = metric_tables.accuracy_table(whole.data(EXPERIMENT, results=results))
    apart = abs(table.loc[PGU, "accuracy_validation_mean"] - table.loc[RETRAIN, "accuracy_validation_mean"])
    assert table.loc[PGU, "accuracy_validation_gap"] == pytest.approx(apart)
    grid = metric_tables.accuracy_grid(table, EXPERIMENT)
    # those of the first table are not repeated
    assert [c.key for c in grid.columns] == ["accuracy_validation", "loss_auc", "entropy_auc"]
    cells = {row.key: row.cells[0] for row in grid.rows}
    assert cells[PGU].below == f"{apart:.1f}"
    assert cells[RETRAIN].below == ""


def test_only_accuracies_are_in_per_cent(whole):
    results = whole.results.replace(
        {"metric": {"loss_test": "entropy_test", "loss_forget": "accuracy_validation"}}
    )
    grid = metric_tables.accuracy_grid(
        metric_tables.accuracy_table(whole.data(EXPERIMENT, results=results)), EXPERIMENT
    )
    assert [(c.title, c.unit) for c in grid.columns][:2] == [("Validation", "%"), ("Entropy, test", "nats")]
    percent, nats, *_ = grid.rows[0].cells
    assert [len(c.main.partition(" ")[0].partition(".")[2]) for c in (percent, nats)] == [1, 3]


def test_numbers_that_a_measure_defines_and_no_table_names_have_one_of_their_own(whole):
    measure = cards.measure("comparison").model_copy(
        update={"numbers": {"kl_train": cards.number("KL, train")}}
    )
    catalogue = whole.cards.model_copy(update={"measures": whole.cards.measures | {"comparison": measure}})
    results = whole.results.replace({"metric": {"kl_test": "kl_train"}})
    data = whole.data(EXPERIMENT, results=results, cards=catalogue)
    grid = metric_tables.other_grid(metric_tables.other_table(data), data)
    assert [c.title for c in grid.columns] == ["KL, train"]
    assert grid.rows[0].cells[0].main == "0.1000 ± 0.0000"
    assert not metric_tables.other_grid(metric_tables.other_table(whole.data(EXPERIMENT)), data).columns


def test_a_row_that_diverged_is_marked(whole):
    results = whole.results.copy()
    results.loc[results.method == "lur", "status"] = "diverged"
    table = metric_tables.distance_table(whole.data(EXPERIMENT, results=results))
    grid = metric_tables.distance_grid(table, EXPERIMENT)
    assert {row.key: row.cells[0].main for row in grid.rows}[RowKey("lur")] == "diverged"


def test_averages_of_a_row_with_a_diverged_seed_leave_that_seed_out_of_retrain_too(holed):
    data, ascent = holed.data(EXPERIMENT), RowKey("gradient_ascent")  # its seed 1 diverged
    known = data.results[(data.results.status == "finished")]
    terms = ["accuracy_forget", "accuracy_retain", "accuracy_test", "entropy_logistic"]
    values = {
        row: known[known.method == row.method].pivot_table(
            index="train_seed", columns="metric", values="value"
        )[terms]
        for row in (ascent, RETRAIN)
    }
    both = values[ascent].index
    assert list(both) == [0, 2]
    apart = (values[ascent].mean() - values[RETRAIN].loc[both].mean()).abs().mean()
    average = averages.average_table(data).loc[ascent, "avg_d_sfr_on"]
    assert average == pytest.approx(apart)
    over_all = (values[ascent].mean() - values[RETRAIN].mean()).abs().mean()
    assert over_all != pytest.approx(average)  # control: Retrain's third seed would count


def test_averages_need_all_four_columns_of_a_paper(whole, data):
    table, methods = averages.average_table(data), method_table(data)
    assert table["avg_d_sfr_on"].to_numpy() == pytest.approx(methods["avg_gap"].to_numpy())
    assert table["avg_gap_lur"].isna().all()  # confidence_svc was not run
    grid = averages.average_grid(table, EXPERIMENT)
    assert grid is not None
    assert [c.key for c in grid.columns] == ["avg_gap_gdr_gma", "avg_d_sfr_on", "n"]
    fewer = whole.data(EXPERIMENT, results=whole.results[whole.results.metric != "entropy_logistic"])
    assert averages.average_grid(averages.average_table(fewer), EXPERIMENT) is None


def test_costs_are_shares_of_retrain_and_passes_over_what_was_drawn(data, holed):
    methods = method_table(data)
    table = cost_table.cost_table(data, methods)
    assert table.loc[PGU, "time_share_mean"] == pytest.approx(100 * methods.loc[PGU, "time_ratio"])
    assert table.loc[PGU, "passes_train_mean"] == pytest.approx((1 * 240 + 4 * 60) / 300)
    assert table.loc[PGU, "peak_memory_mib_mean"] == 410.2
    assert table.loc[RETRAIN, "time_share_mean"] == 100
    assert np.isnan(table.loc[RETRAIN, "passes_train_mean"])
    assert "peak_gpu_memory_mib" not in [c.key for c in cost_table.cost_grid(table, EXPERIMENT).columns]
    elsewhere = holed.data(EXPERIMENT)
    shares = cost_table.cost_table(elsewhere, method_table(elsewhere))["time_share_mean"]
    assert np.isnan(shares.loc[PGU])  # made on another device than Retrain


def test_training_time_state_has_a_column_of_its_own_and_is_no_part_of_rte(whole, data):
    table = cost_table.cost_table(data, method_table(data))
    reader = RowKey(synthetic.WITH_STATE)
    assert table.loc[reader, "state_mean"] == synthetic.STATE_SECONDS
    assert table.loc[reader, "seconds_mean"] < 1
    assert table["state_mean"].notna().sum() == 1
    grid = cost_table.cost_grid(table, EXPERIMENT)
    place = [c.title for c in grid.columns].index("State")
    assert {row.key: row.cells[place].main for row in grid.rows if row.cells[place].main != "—"} == {
        reader: "7.50 s"
    }
    card = grid.columns[place].card
    assert card is not None and "not part of RTE" in card.compares
    without = whole.data(EXPERIMENT, results=whole.results[whole.results.metric != "seconds_state"])
    columns = cost_table.cost_grid(cost_table.cost_table(without, method_table(without)), EXPERIMENT).columns
    assert "State" not in [c.title for c in columns]


def test_passes_are_over_each_run_s_own_sets(whole):
    results = whole.results.copy()
    half = (results.metric == "size_retain") & (results.train_seed == 0)
    results.loc[half, "value"] = 120.0  # of 240: a split of another size
    data = whole.data(EXPERIMENT, results=results)
    assert method_table(data).loc[PGU, "passes_retain"] == pytest.approx((2 + 1 + 1) / 3)
    assert data.sizes is not None
    assert (data.sizes.retain, data.sizes.train) == ((120, 240), (180, 300))


def test_earlier_steps_count_as_training_samples(whole):
    rows = whole.results[whole.results.metric == "size_forget"].assign(metric="size_earlier", value=50.0)
    chained = whole.data(EXPERIMENT, results=pd.concat([whole.results, rows]))
    sizes, alone = chained.sizes, whole.data(EXPERIMENT)
    assert (sizes.forget, sizes.train) == ((60, 60), (350, 350))
    passes = method_table(chained).loc[PGU, "passes_retain"]  # over what retain holds in this step
    assert passes == method_table(alone).loc[PGU, "passes_retain"] == 1


def with_classes(data, *frames: pd.DataFrame):
    """Return the data with other counts of classes."""
    return dataclasses.replace(data, classes=pd.concat(frames))


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
    table = confusions.confusion_table(both)
    assert table.loc[PGU].to_dict() == {3: 12.5, 5: 87.5}
    (row,) = confusions.confusion_grid(table, EXPERIMENT).rows
    assert [(c.main, c.tone) for c in row.cells] == [("12.5", ""), ("87.5", "strong")]
    kept = classes({("forget", 4, 5): 2, ("retain", 4, 4): 1})
    assert confusions.confusion_table(with_classes(data, kept)).empty


def test_rare_classes_share_a_column(data):
    counts = {("forget", 3, k): 20 - k for k in range(12)} | {("retain", 1, 1): 1}
    table = confusions.confusion_table(with_classes(data, classes(counts)))
    grid = confusions.confusion_grid(table, EXPERIMENT)
    assert [c.title for c in grid.columns] == [*(f"class {k}" for k in range(8)), "4 others"]
    assert sum(float(c.main) for c in grid.rows[0].cells) == pytest.approx(100, abs=0.5)


def test_accuracy_per_class_follows_from_what_aggregate_writes(data):
    table = confusions.class_table(data).loc[PGU]
    test = table[table["set"] == "test"]
    mean = (test["accuracy"] * test["samples"]).sum() / test["samples"].sum()
    results = data.results[(data.results.method == "pgu") & (data.results.metric == "accuracy_test")]
    assert mean == pytest.approx(results["value"].mean())
    assert table.groupby("set")["samples"].sum().to_dict() == {"forget": 180, "retain": 720, "test": 600}


def test_runs_that_did_not_finish_have_no_classes(holed, nothing):
    data = holed.data(EXPERIMENT)
    assert set(data.classes.loc[data.classes["method"] == "gradient_ascent", "train_seed"]) == {0, 2}
    assert confusions.class_table(nothing.data(EXPERIMENT)).empty
