"""Our number for a printed one, run by run or as an average with its interval; and the verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reunlearn.metrics.bootstrap import bootstrap_average_gap
from reunlearn.metrics.verdict import EQUAL, NOT_COMPARABLE, OURS, OUTSIDE
from reunlearn.reporting.printed import NO_PAIR, NO_RUN, NO_TIME, OTHER_MACHINE, judge
from reunlearn.reporting.rows import RowKey
from reunlearn.study.joining import OWN_SHARE
from tests.study.printed_cells import PAPERS, cell, met

NAME = "random-0.2"
WORDS = "dominant/loss trend"  # a column without numbers
SFR = PAPERS["SFR-on"]
LUR = {
    **PAPERS["LUR"][1],
    "attacks": ["confidence_svc"],
    "scenario": {"kind": "random", "fraction": 0.1},
}


def meetings(*cells, **experiment):
    """Return what printed numbers meet; rows are called as those of the synthetic study."""
    return [
        m.model_copy(update={"row": m.row and m.row.model_copy(update={"reading": reading(m.row)})})
        for m in met(*cells, **experiment)
    ]


def reading(row):
    """Return the reading of a row of the synthetic study: only gdr_gma has readings."""
    return row.reading if row.method == "gdr_gma" else None


def judged(made, *cells, results=None, **experiment):
    """Return the verdicts."""
    changes = {} if results is None else {"results": results}
    return judge(meetings(*cells, **experiment), made.data(NAME, **changes).finished)


def ours(whole, method, metric):
    """Return the values of one row."""
    return whole.results.query("experiment == @NAME and method == @method and metric == @metric")["value"]


def average_gap(whole, **changes):
    """Return the verdict on an average of SFR-on."""
    more, experiment = SFR
    options = {**experiment, "scenario": {"kind": "random", "fraction": 0.1}, "methods": ["salun@code"]}
    (found,) = judged(whole, cell(metric="Avg_D", std="", **{**more, **changes}), **options)
    return found


def test_derived_columns_are_computed_run_by_run(whole):
    forget, test = (ours(whole, "salun", f"accuracy_{s}").to_numpy() for s in ("forget", "test"))
    found = [
        judged(whole, cell("SalUn", "UA", **PAPERS["LUR"][0]))[0],
        judged(whole, cell("Fine-tuning", "|A_Df-A_Dt|", **PAPERS["nabla-tau"][0]), methods=["finetune"])[0],
    ]
    tuned = [ours(whole, "finetune", f"accuracy_{s}").to_numpy() for s in ("forget", "test")]
    assert [f.ours.mean for f in found] == pytest.approx(
        [(100 - forget).mean(), abs(tuned[0] - tuned[1]).mean()]
    )
    assert found[1].ours.mean != pytest.approx(abs(tuned[0].mean() - test.mean()))


def test_gdr_gma_is_compared_under_augmentation_where_the_recipe_has_any(whole):
    results = whole.results
    augmented = results[results.metric == "accuracy_forget"].assign(
        metric="accuracy_forget_augmented", value=7.0
    )
    both = pd.concat([results, augmented])
    assert judged(whole, cell(metric="Acc_Df"), results=both)[0].ours.mean == 7
    plain = judged(whole, cell(metric="Acc_Df"), results=both, recipe="cifar10-small")[0]
    assert plain.ours.mean == pytest.approx(ours(whole, "salun", "accuracy_forget").mean())


def test_an_average_has_the_bootstraps_interval_and_value(whole):
    metrics = ("accuracy_forget", "accuracy_retain", "accuracy_test", "entropy_logistic")
    values, retrain = (
        np.column_stack([ours(whole, row, metric) for metric in metrics]) for row in ("salun", "retrain")
    )
    expected = bootstrap_average_gap(values, retrain)
    found = average_gap(whole)
    assert (found.ours.mean, found.interval.low, found.interval.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert found.ours.n == 3


def test_an_average_is_inside_ours_within_the_interval_and_outside_beyond_it(whole):
    interval = average_gap(whole).interval
    inside = (interval.low + interval.value) / 2
    assert interval.low < inside < interval.value - 0.02
    assert average_gap(whole, mean=f"{inside:.2f}").verdict.kind == OURS
    assert average_gap(whole, mean=f"{interval.value:.2f}").verdict.kind == EQUAL
    assert average_gap(whole, mean=f"{interval.high + 0.02:.2f}").verdict.kind == OUTSIDE


def test_an_average_without_a_pair_is_not_comparable(whole):
    results = whole.results
    without = results[(results["method"] != "retrain")]
    (found,) = judged(
        whole,
        cell(metric="Avg_D", std="", **SFR[0]),
        results=without,
        **{**SFR[1], "scenario": {"kind": "random", "fraction": 0.1}},
    )
    assert (found.verdict.kind, found.verdict.reason) == (NOT_COMPARABLE, NO_PAIR)


@pytest.mark.parametrize(
    ("printed", "experiment", "reason"),
    [
        (cell(), {"dataset": {"name": "cifar100"}}, "printed for CIFAR-10, ours is cifar100"),
        (
            cell(metric=WORDS),
            {},
            "words, no numbers: which gradient dominates, and how the losses move; the table loss_trend says ours",
        ),
        (cell("Retrain", "RTE"), {"noise_floor": False}, OWN_SHARE),
        (cell(mean="", std=""), {}, "the paper prints no number"),
        (cell("SSD"), {}, "this study does not run it"),
        (cell("SSD"), {"methods": ["ssd"]}, NO_RUN),
        (cell("SalUn", "MIA", **PAPERS["LUR"][0]), LUR, "confidence_svc was not measured"),
    ],
)
def test_what_is_not_comparable_has_a_reason(whole, printed, experiment, reason):
    (found,) = judged(whole, printed, **experiment)
    assert (found.verdict.kind, found.verdict.reason) == (NOT_COMPARABLE, reason)


def test_a_run_time_is_compared_as_a_share_of_retrains(whole):
    seconds, retrain = (ours(whole, row, "seconds_run").to_numpy() for row in ("salun", "retrain"))
    share = 100 * seconds / retrain.mean()
    (found,) = judged(whole, cell(metric="RTE", mean="2.77", std=""))
    assert found.meeting.share == ("9.7", "")  # 2.77 of 28.53 minutes
    assert (found.ours.mean, found.ours.std) == pytest.approx((share.mean(), share.std(ddof=1)))
    near = f"{28.53 * share.mean() / 100:.2f}"  # control: as many printed minutes as make our share
    assert judged(whole, cell(metric="RTE", mean=near, std=""))[0].verdict.kind != OUTSIDE
    meeting = meetings(cell(metric="RTE", mean=near, std=""))
    (apart,) = judge(meeting, whole.data(NAME).finished, {RowKey("salun")})
    assert apart.verdict.reason == OTHER_MACHINE
    without = whole.results[whole.results.method != "retrain"]
    assert judged(whole, cell(metric="RTE", std=""), results=without)[0].verdict.reason == NO_TIME


def test_a_printed_gap_is_judged_over_the_seeds_that_a_row_shares_with_retrain(whole):
    values, retrain = (ours(whole, row, "accuracy_test").to_numpy()[:, None] for row in ("salun", "retrain"))
    expected = bootstrap_average_gap(values, retrain)
    printed = cell(gap=f"{expected.value:.2f}")
    (found,) = judged(whole, printed)
    assert found.gap.interval == expected
    assert found.gap.verdict.kind == EQUAL
    far = judged(whole, cell(gap=f"{expected.high + 1:.2f}"))[0].gap
    assert far.verdict.kind == OUTSIDE
    assert judged(whole, cell())[0].gap is None  # none is printed
    assert {f.gap for f in judged(whole, cell("Retrain", gap="0.00"))} == {None}  # 0 by definition
    (unlike,) = judged(whole, cell(gap="1.00"), recipe="cifar10-small")
    assert unlike.gap.verdict.kind == NOT_COMPARABLE
    assert unlike.gap.interval == expected


def test_an_obstacle_leaves_our_number_in_sight(whole):
    (found,) = judged(whole, cell(), recipe="cifar10-small")
    assert found.verdict.kind == NOT_COMPARABLE
    assert found.ours.mean == pytest.approx(ours(whole, "salun", "accuracy_test").mean())


def test_no_run_at_all_is_not_comparable(nothing):
    (found,) = judged(nothing, cell())
    assert found.verdict.kind == NOT_COMPARABLE
