"""Whole classes that the split seed draws."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import LABELS, choose


def test_identities_are_whole_classes_drawn_by_the_split_seed() -> None:
    chosen = choose(kind="identities", count=3)
    (drawn,) = chosen.forgotten
    assert len(set(drawn)) == 3
    assert np.array_equal(chosen.part >= 0, np.isin(LABELS, drawn))
    assert choose(1, kind="identities", count=3).forgotten != chosen.forgotten


def test_all_identities_are_refused() -> None:
    with pytest.raises(UserError, match="would forget 10 of 10 identities"):
        choose(kind="identities", count=10)


def test_its_name_and_words() -> None:
    scenario = read_scenario({"kind": "identities", "count": 3})
    assert (scenario.name, scenario.words()) == ("identities-3", "3 identities drawn at random, whole")
