"""Distances, accuracies and other numbers of the measures: what they are, and which table shows which."""

from __future__ import annotations

import pytest

from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey
from tests.reporting import cards
from tests.reporting.reading import cells, is_shown, numbers, shown

EXPERIMENT = "class-3"
PGU = RowKey("pgu")


@pytest.fixture(scope="module")
def data(whole):
    """One experiment in which every run finished."""
    return whole.data(EXPERIMENT)


def test_distances_are_means_over_seeds_and_the_floor_has_them(data):
    found, results = numbers(data, "distances"), data.results
    values = results[(results.method == "pgu") & (results.metric == "d_kl")]["value"]
    distance = found[PGU]["d_kl"]
    assert [distance.mean, distance.std] == pytest.approx([values.mean(), values.std(ddof=1)])
    assert found[FLOOR]["d_kl"].n == 3
    table = shown(data, "distances")
    assert [c.key for c in table.columns] == ["d_kl", "kl_test", "js_forget"]  # what was measured
    assert [c.unit for c in table.columns] == ["nats"] * 3
    assert {cell.below for row in table.rows for cell in row.cells} == {""}


def test_accuracies_show_their_gap_to_retrain(whole):
    results = whole.results.replace({"metric": {"loss_test": "accuracy_validation"}})
    data = whole.data(EXPERIMENT, results=results)
    found, shown_cells = numbers(data, "accuracies"), cells(data, "accuracies")
    apart = abs(found[PGU]["accuracy_validation"].mean - found[RETRAIN]["accuracy_validation"].mean)
    assert found[PGU]["accuracy_validation"].gap == pytest.approx(apart)
    # those of the first table are not repeated
    assert list(shown_cells[PGU]) == ["accuracy_validation", "loss_auc", "entropy_auc"]
    assert shown_cells[PGU]["accuracy_validation"].below == f"{apart:.1f}"
    assert shown_cells[RETRAIN]["accuracy_validation"].below == ""


def test_only_accuracies_are_in_per_cent(whole):
    results = whole.results.replace(
        {"metric": {"loss_test": "entropy_test", "loss_forget": "accuracy_validation"}}
    )
    table = shown(whole.data(EXPERIMENT, results=results), "accuracies")
    assert [(c.title, c.unit) for c in table.columns][:2] == [("Validation", "%"), ("Entropy, test", "nats")]
    percent, nats, *_ = table.rows[0].cells
    assert [len(c.main.partition(" ")[0].partition(".")[2]) for c in (percent, nats)] == [1, 3]


@pytest.mark.parametrize("table", ["others", "distances"])
def test_the_card_of_a_measures_number_says_which_table_shows_it(whole, table):
    number = cards.number("KL, train").model_copy(update={"table": table})
    measure = cards.measure("comparison").model_copy(update={"numbers": {"kl_train": number}})
    catalogue = whole.cards.model_copy(update={"measures": whole.cards.measures | {"comparison": measure}})
    results = whole.results.replace({"metric": {"kl_test": "kl_train"}})
    data = whole.data(EXPERIMENT, results=results, cards=catalogue)
    assert [c.title for c in shown(data, table).columns] == ["KL, train"]
    assert shown(data, table).rows[0].cells[0].main == (
        "0.1000 ± 0.0000" if table == "others" else "0.100 ± 0.000"
    )
    assert not is_shown(whole.data(EXPERIMENT), "others")


def test_a_row_that_diverged_is_marked(whole):
    results = whole.results.copy()
    results.loc[results.method == "lur", "status"] = "diverged"
    found = cells(whole.data(EXPERIMENT, results=results), "distances")
    assert found[RowKey("lur")]["d_kl"].main == "diverged"


def test_metrics_hold_all_that_was_measured_and_are_a_file_alone(data):
    found = numbers(data, "metrics")[PGU]
    assert set(found) == set(data.results.loc[data.results.method == "pgu", "metric"])
    assert repr(found["d_kl"]) == repr(numbers(data, "distances")[PGU]["d_kl"])  # a part of it is no number
    assert not is_shown(data, "metrics")
