"""The criterion by which settings are chosen, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from reunlearn.metrics.criterion import DISTANCES, WORST, distances, mean_of, score

ORIGINAL = {"retain": 99.0, "validation": 92.0}
MODEL = {
    "forget": 95.0,
    "goal": 91.0,
    "retain": 97.5,
    "validation": 90.0,
    "called_forget": 70.0,
    "called_unseen": 62.0,
}


def test_the_four_distances() -> None:
    found = distances(MODEL, ORIGINAL)
    assert found == {"forget": 4.0, "retain": 1.5, "validation": 2.0, "membership": 8.0}
    assert score(found) == pytest.approx(15.5 / 4)


def test_what_is_better_than_the_original_costs_nothing_and_gains_nothing() -> None:
    found = distances({**MODEL, "retain": 100.0, "validation": 93.0}, ORIGINAL)
    assert found["retain"] == found["validation"] == 0.0


def test_forgetting_too_much_costs_as_much_as_too_little() -> None:
    assert distances({**MODEL, "forget": 87.0}, ORIGINAL)["forget"] == 4.0


def test_where_wrong_labels_were_taught_validation_should_be_right() -> None:
    assert distances({**MODEL, "wanted": 100.0}, ORIGINAL)["validation"] == 10.0


def test_a_model_that_diverged_is_the_worst() -> None:
    assert distances({}, ORIGINAL) == dict.fromkeys(DISTANCES, WORST)
    assert score(distances({}, ORIGINAL)) == 100.0 > score(distances(MODEL, ORIGINAL))


def test_of_an_original_that_diverged_nothing_is_asked() -> None:
    found = distances(MODEL, {})
    assert found["retain"] == found["validation"] == 0.0


def test_the_mean_is_over_seeds() -> None:
    seeds = [distances(MODEL, ORIGINAL), distances({}, ORIGINAL)]
    assert mean_of(seeds) == {"forget": 52.0, "retain": 50.75, "validation": 51.0, "membership": 54.0}
