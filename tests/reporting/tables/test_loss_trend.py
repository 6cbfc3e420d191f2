"""Loss trend: changes against the original seed by seed, and the gradient that wins."""

from __future__ import annotations

import pandas as pd
import pytest

from reunlearn.reporting.frames import Number
from reunlearn.reporting.rows import ORIGINAL, RowKey
from reunlearn.reporting.tables import loss_trend
from reunlearn.reporting.tables.loss_trend import dominant
from tests.reporting.reading import cells, numbers

EXPERIMENT = "random-0.2"
LUR, ASCENT = RowKey("lur"), RowKey("gradient_ascent")


def with_retain_loss(made):
    """Return results in which the retain loss is a tenth of the forget loss, only gradient ascent's is the whole."""
    results = made.results
    forget = results[results.metric == "loss_forget"]
    share = forget["method"].astype(str).map(lambda name: 1.0 if name == ASCENT.method else 0.001)
    retain = forget.assign(metric="loss_retain", value=forget["value"] * share.to_numpy())
    return pd.concat([results, retain])


def test_changes_are_against_the_original_of_the_same_seed(whole):
    data = whole.data(EXPERIMENT, results=with_retain_loss(whole))
    found = numbers(data, "loss_trend")
    assert ORIGINAL not in found and set(found) == {row for row in data.by_row if not row.is_reference}
    wide = data.finished
    changes = [
        wide[LUR].loc[seed, "loss_forget"] - wide[ORIGINAL].loc[seed, "loss_forget"]
        for seed in wide[LUR].index
    ]
    number = found[LUR]["loss_change_forget"]
    assert number.mean == pytest.approx(sum(changes) / len(changes)) and number.n == len(changes) == 3
    words = {row: entry["dominant"].main for row, entry in cells(data, "loss_trend").items()}
    assert (words[ASCENT], words[LUR]) == ("g_f", "balance")


@pytest.mark.parametrize(
    ("forget", "retain", "word"),
    [
        (0.0, 0.0, "g_r"),
        (0.019, -0.5, "g_r"),
        (0.5, 0.5, "g_f"),
        (0.5, 0.01, "balance"),
        (0.0, 0.5, "neither"),
        (float("nan"), 0.0, "—"),
    ],
)
def test_the_losses_tell_which_gradient_dominates(forget, retain, word):
    assert dominant(Number(forget), Number(retain)).main == word


def test_without_losses_there_is_no_table(nothing):
    data = nothing.data(EXPERIMENT)
    assert loss_trend.show(data.frame("loss_trend"), data) is None
