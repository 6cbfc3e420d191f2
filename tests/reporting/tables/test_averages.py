"""The papers' average gaps: their four columns, and the seeds that they are over."""

from __future__ import annotations

import pytest

from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.tables.methods import average_gaps
from tests.reporting.reading import is_shown, numbers, shown

EXPERIMENT = "class-3"


def test_averages_of_a_row_with_a_diverged_seed_leave_that_seed_out_of_retrain_too(holed):
    data, ascent = holed.data(EXPERIMENT), RowKey("gradient_ascent")  # its seed 1 diverged
    known = data.results[(data.results.status == "finished")]
    terms = ["accuracy_forget", "accuracy_retain", "accuracy_test", "entropy_logistic"]
    values = {
        row: known[known.method == row.method].pivot_table(
            index="train_seed", columns="metric", values="value", observed=True
        )[terms]
        for row in (ascent, RETRAIN)
    }
    both = values[ascent].index
    assert list(both) == [0, 2]
    apart = (values[ascent].mean() - values[RETRAIN].loc[both].mean()).abs().mean()
    average = numbers(data, "averages")[ascent]["avg_d_sfr_on"]
    assert average.mean == pytest.approx(apart)
    assert average.n == 2
    over_all = (values[ascent].mean() - values[RETRAIN].mean()).abs().mean()
    assert over_all != pytest.approx(average.mean)  # control: Retrain's third seed would count


def test_averages_need_all_four_columns_of_a_paper(whole):
    data = whole.data(EXPERIMENT)
    found = numbers(data, "averages")
    ours = {row: entry["avg_d_sfr_on"].mean for row, entry in found.items()}
    assert ours == pytest.approx(average_gaps(data))
    # confidence_svc was not run, so there is no average of LUR
    assert [c.key for c in shown(data, "averages").columns] == ["avg_gap_gdr_gma", "avg_d_sfr_on"]
    fewer = whole.data(EXPERIMENT, results=whole.results[whole.results.metric != "entropy_logistic"])
    assert not is_shown(fewer, "averages")
