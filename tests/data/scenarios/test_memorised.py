"""Samples by memorisation or consistency score: the level, ties, and what the scores are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.catalogue import catalogue
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import HALVES, INDEX, KNOWN, SAMPLES, choose

MEMORISED: dict[str, Any] = {"kind": "memorised", "count": 60}


def slow_scores() -> tuple[np.ndarray, np.ndarray]:
    """Return memorisation and consistency of each training sample, by a loop over samples and models."""
    memorisation, consistency = [], []
    for number in INDEX:
        (place,) = np.flatnonzero(HALVES.index == number)
        inside = [KNOWN[m, place] for m in range(12) if HALVES.member[m, place]]
        outside = [KNOWN[m, place] for m in range(12) if not HALVES.member[m, place]]
        memorisation.append(np.mean(inside) - np.mean(outside))
        consistency.append(np.mean(outside))
    return np.array(memorisation), np.array(consistency)


def test_the_scores_equal_the_slow_loops() -> None:
    for score, slow_N in zip(("memorisation", "consistency"), slow_scores(), strict=True):
        found_N = choose(**MEMORISED, score=score).score
        assert found_N is not None
        np.testing.assert_allclose(found_N, slow_N, atol=1e-12)


@pytest.mark.parametrize("score", ["memorisation", "consistency"])
def test_a_level_takes_the_samples_at_its_end(score: str) -> None:
    def sides(level: str, key: Any) -> tuple[float, float]:
        chosen = choose(**MEMORISED, score=score, level=level)
        assert chosen.score is not None and (chosen.part >= 0).sum() == 60
        values = key(chosen.score)
        return values[chosen.part >= 0].max(), values[chosen.part < 0].min()

    centre = 0.5 if score == "memorisation" else np.median(slow_scores()[1])
    for level, key in (
        ("high", lambda s: -s),
        ("low", lambda s: s),
        ("medium", lambda s: np.abs(s - centre)),
    ):
        last, first = sides(level, key)
        assert last <= first


def test_the_split_seed_decides_between_equal_scores_only() -> None:
    first, other = choose(0, **MEMORISED), choose(1, **MEMORISED)
    assert first.score is not None
    differs = (first.part >= 0) != (other.part >= 0)
    assert differs.any()  # twelve models give thirteen scores: there are ties
    assert len(np.unique(first.score[differs])) == 1


def test_steps_begin_with_the_highest() -> None:
    parts = choose(**MEMORISED, steps=3)
    assert parts.score is not None
    assert parts.score[parts.part == 0].min() >= parts.score[parts.part == 2].max()


def test_its_name_says_level_size_and_models() -> None:
    plain = read_scenario(MEMORISED)
    assert (plain.name, plain.words()) == (
        "memorised-high-60",
        "60 samples with the highest memorisation score",
    )
    low = read_scenario({"kind": "memorised", "fraction": 0.1, "level": "low", "score": "consistency"})
    assert low.resolved("0123abcd").name == "memorised-low-consistency-0.1~0123abcd"
    assert low.words() == "10 % of the training set with the lowest consistency score"


def test_mistakes_are_one_line() -> None:
    for more in ({}, {"count": 3, "fraction": 0.1}):
        with pytest.raises(ValueError, match="'memorised' takes 'count' or 'fraction', one of them"):
            read_scenario({"kind": "memorised", **more})
    card = catalogue().datasets["digits"]
    with pytest.raises(UserError, match=r"^here: 40 samples would be 40 of 40 samples$"):
        read_scenario({"kind": "memorised", "count": 40}).check(card, 40, "here")
    with pytest.raises(ValueError, match="needs what the models of the pool 'halves' answer"):
        choose(0, replace(SAMPLES, halves=None), **MEMORISED)


def test_what_says_nothing_of_a_sample_is_refused() -> None:
    all_learned = replace(HALVES, member=np.ones_like(HALVES.member))
    broken = replace(HALVES, logits=HALVES.logits * np.float16(np.nan))
    for pool, said in ((all_learned, "learned by all models"), (broken, "has diverged")):
        with pytest.raises(ValueError, match=said):
            choose(0, replace(SAMPLES, halves=pool), **MEMORISED)
