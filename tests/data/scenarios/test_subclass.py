"""Whole sub-classes that the study names."""

from __future__ import annotations

import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios.registry import TrainingSet
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import FINE, HELD_OUT, INDEX, LABELS, choose


def test_a_subclass_is_a_part_of_its_class() -> None:
    chosen = choose(kind="subclass", subclasses=[13])
    forgotten = chosen.part >= 0
    assert (forgotten == (FINE == 13)).all()
    assert set(LABELS[forgotten]) == {3}
    assert (LABELS[~forgotten] == 3).sum() == 25  # the other half of the class stays
    assert chosen.forgotten == [[13]]


def test_an_absent_sub_class_is_refused() -> None:
    with pytest.raises(UserError, match="no training sample has class 20"):
        choose(kind="subclass", subclasses=[20])


def test_sub_classes_need_a_dataset_that_has_them() -> None:
    with pytest.raises(UserError, match="needs a dataset with sub-classes"):
        choose(0, TrainingSet(LABELS, None, INDEX, HELD_OUT), kind="subclass", subclasses=[1])


def test_its_name_and_words() -> None:
    scenario = read_scenario({"kind": "subclass", "subclasses": [13, 4]})
    assert (scenario.name, scenario.words()) == ("subclass-13-4", "sub-classes 13, 4, whole")
    assert scenario.SUBCLASSES and not scenario.whole_classes
