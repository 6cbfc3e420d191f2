"""The table of claims: which rows are compared, by which numbers of which seeds."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.claims import FAILS, HOLDS, OPEN, UNKNOWN
from reunlearn.reporting.claimed import series
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.seeds import gaps_of
from reunlearn.study.claims import Claim
from tests.reporting.reading import cells, is_shown

EXPERIMENTS = ("random-0.2", "class-3")
PAPER, WIDE = RowKey("gdr_gma", "paper"), RowKey("gdr_gma", "code", "wide")


def claim(**changes: object) -> Claim:
    """Return a claim on gdr_gma."""
    content = {
        "name": "nearest",
        "says": "it comes nearest",
        "source": "Table 1",
        "experiments": EXPERIMENTS,
        "row": "gdr_gma",
        "number": "avg_gap",
        "expects": "lower",
    }
    return Claim.model_validate(content | changes)


def frame(made, *claims: Claim):
    """Return the table of claims."""
    return made.whole(claims=claims).frame("claims")


def test_a_row_is_compared_with_every_other_method_by_the_gap_of_each_seed(whole):
    data = whole.data("random-0.2")
    found = dict(series(claim(), PAPER, data))
    assert set(found) == {row for row in data.by_row if not row.is_reference and row.method != "gdr_gma"}
    gaps = gaps_of(data)
    own, rival = found[RowKey("pgu")]
    assert own == pytest.approx(gaps[PAPER].to_numpy())
    assert rival == pytest.approx(gaps[RowKey("pgu")].to_numpy())


def test_there_is_a_line_per_experiment_and_row_and_none_for_other_labels(whole):
    found = frame(whole, claim(), claim(row="gdr_gma+wide", experiments=("class-3",)))
    assert [tuple(key) for key in found.index] == [PAPER, PAPER, WIDE]
    assert found["experiment"].tolist() == [*EXPERIMENTS, "class-3"]
    assert (found["n"] == 3).all()


def test_higher_nearer_and_within(whole):
    data = whole.data("random-0.2")
    runs, retrain = data.finished[PAPER], data.finished[RETRAIN]
    (pair,) = dict(
        series(claim(expects="higher", number="accuracy_test", than=("salun",)), PAPER, data)
    ).values()
    assert pair[1] == pytest.approx(runs["accuracy_test"].to_numpy())  # the rival's comes first
    (pair,) = dict(
        series(claim(expects="nearer", number="accuracy_forget", than=("salun",)), PAPER, data)
    ).values()
    apart = (runs["accuracy_forget"] - retrain["accuracy_forget"]).abs().to_numpy()
    assert pair[0] == pytest.approx(apart)
    (pair,) = dict(
        series(claim(expects="within", number="accuracy_forget", margin=2.0), PAPER, data)
    ).values()
    assert pair[0] == pytest.approx(apart) and (pair[1] == 2.0).all()


def test_verdicts_say_what_the_seeds_bear_out(whole, nothing):
    sure = claim(than=("gradient_ascent",), experiments=("random-0.2",))
    wrong = claim(name="worst", than=("gradient_ascent",), row="gradient_ascent")
    assert set(frame(whole, sure)["verdict"]) == {HOLDS}
    opposite = claim(name="opposite", row="gradient_ascent", than=("gdr_gma",), experiments=("random-0.2",))
    assert set(frame(whole, opposite)["verdict"]) == {FAILS}
    assert frame(whole, claim(number="nobody_measured"))["verdict"].unique().tolist() == [UNKNOWN]
    assert set(frame(nothing, sure)["verdict"]) == {UNKNOWN}
    assert len(frame(whole, wrong)) == 2  # of one method, a row is compared with itself alone
    one = whole.results[whole.results.train_seed == 0]
    alone = whole.whole(claims=[sure], results=one).frame("claims")
    assert set(alone["verdict"]) == {OPEN}
    assert np.isnan(alone["p"]).all()


def test_runs_that_did_not_finish_are_left_out_of_the_pairs(holed):
    found = frame(holed, claim(than=("lur", "pgu")))
    assert (found["n"] == 2).all()  # lur has two seeds


def test_the_cells_and_the_page(whole, whole_report):
    data = whole.whole(claims=[claim(than=("gradient_ascent",), experiments=("random-0.2",))])
    shown = cells(data, "claims")[PAPER]
    assert shown["verdict"].main == HOLDS
    assert shown["verdict"].below == "1 of 1 point that way"
    assert shown["least"].below.startswith("gradient_ascent, p ")
    assert not is_shown(whole.whole(), "claims")
    assert 'id="table-claims"' not in whole_report.page
