"""The worst case: the largest weights go, equal ones by the split seed, and the name says what is not the default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import SAMPLES, WEIGHTS, choose

WORST: dict[str, Any] = {"kind": "worst_case", "count": 60}


def test_the_largest_weights_go() -> None:
    chosen = choose(**WORST)
    assert (chosen.part >= 0).sum() == 60
    assert WEIGHTS[chosen.part >= 0].min() >= WEIGHTS[chosen.part < 0].max()
    assert np.array_equal(chosen.score, WEIGHTS)


def test_the_split_seed_decides_between_equal_weights() -> None:
    differs = (choose(0, **WORST).part >= 0) != (choose(1, **WORST).part >= 0)
    assert differs.any()
    assert len(np.unique(WEIGHTS[differs])) == 1


def test_its_name_and_words() -> None:
    plain = read_scenario({"kind": "worst_case", "fraction": 0.1})
    assert (plain.name, plain.resolved("0123abcd").name) == ("worst-case-0.1", "worst-case-0.1~0123abcd")
    assert plain.words() == "the 10 % of the training set that are hardest to forget (worst case)"
    other = read_scenario({**WORST, "epochs": 3, "learning_rate": 0.01})
    assert other.name == "worst-case-60-ep3-lr0.01"


def test_it_needs_the_weights() -> None:
    with pytest.raises(ValueError, match="needs the weights"):
        choose(0, replace(SAMPLES, weights=None), **WORST)
