"""Which tables and figures are shown: the defaults, what is named, and both."""

from __future__ import annotations

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.catalogue import catalogue
from reunlearn.study.layout import layout_of
from reunlearn.study.load import load_study
from reunlearn.study.schema import Experiment

PLAIN = load_study("quickstart").experiments[0]


def asking(**changes: tuple[str, ...]) -> Experiment:
    return PLAIN.model_copy(update=changes)


def shown(experiment: Experiment) -> tuple[str, ...]:
    return layout_of(experiment, catalogue(), "here").tables


def test_what_is_named_is_shown_in_that_order_and_nothing_else() -> None:
    assert shown(asking(tables=("costs", "methods"))) == ("costs", "methods")
    assert "settings" in shown(PLAIN)
    assert shown(asking(tables=())) == ()


def test_the_defaults_stand_where_their_word_stands_each_once() -> None:
    defaults = shown(PLAIN)
    assert "pooled_attacks" not in defaults
    found = shown(asking(tables=("attacks", "pooled_attacks", "defaults")))
    assert found[:2] == ("attacks", "pooled_attacks")
    assert found[2:] == tuple(name for name in defaults if name != "attacks")


def test_a_figure_of_a_log_is_a_default_where_it_is_logged() -> None:
    logged = asking(log=("losses",), figures=("gap_time", "defaults"))
    assert "loss_curves" in layout_of(logged, catalogue(), "here").figures
    assert "loss_curves" not in layout_of(PLAIN, catalogue(), "here").figures


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("defalts", "no table 'defalts'; did you mean defaults"),
        ("claims", "'claims' is of the whole study"),
    ],
)
def test_other_names_are_refused(name: str, words: str) -> None:
    with pytest.raises(UserError) as found:
        shown(asking(tables=(name,)))
    assert words in str(found.value)
