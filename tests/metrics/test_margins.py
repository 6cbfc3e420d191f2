"""KLoM against a loop over samples and bins, on equal, shifted and constant margins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reunlearn.metrics.margins import CLIP, SMOOTHING, klom, margins


def slow_klom(ours: np.ndarray, theirs: np.ndarray, bins: int) -> float:
    """Return KLoM of one sample by counting."""
    both = [*ours, *theirs]
    low, high = min(both), max(both)

    def shares(values: np.ndarray) -> list[float]:
        counts = [0.0] * bins
        for value in values:
            place = int((value - low) / (high - low) * bins) if high > low else 0
            counts[min(place, bins - 1)] += 1 / len(values)
        return [(c + SMOOTHING) / (1 + bins * SMOOTHING) for c in counts]

    return sum(p * math.log(p / q) for p, q in zip(shares(ours), shares(theirs), strict=True))


def test_margin_is_the_log_odds_of_the_right_class():
    logits, labels = np.random.default_rng(0).normal(size=(2, 4, 3)), np.array([0, 2, 1, 1])
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    right = p[:, np.arange(4), labels]
    assert margins(logits, labels) == pytest.approx(np.log(right / (1 - right)))


def test_against_the_loop():
    draw = np.random.default_rng(1)
    ours, theirs = draw.normal(0.7, 1, (12, 5)), draw.normal(0, 1.5, (9, 5))
    slow = [slow_klom(ours[:, n], theirs[:, n], 6) for n in range(5)]
    assert klom(ours, theirs, bins=6) == pytest.approx(slow)


def test_equal_pools_are_no_distance_apart_and_shifted_ones_are():
    theirs = np.random.default_rng(2).normal(size=(40, 7))
    assert klom(theirs[::-1], theirs) == pytest.approx(0)
    assert (klom(theirs + 10, theirs) > 5).all()


def test_constant_and_infinite_margins_do_no_harm():
    constant = np.full((4, 2), 3.0)
    assert klom(constant, constant).tolist() == [0, 0]
    assert np.isfinite(klom(np.full((4, 2), np.inf), constant)).all()
    assert klom(np.full((4, 2), np.inf), np.full((4, 2), CLIP)).tolist() == [0, 0]


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="margins of 2 and 3 samples"):
        klom(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="takes two models"):
        klom(np.zeros((1, 2)), np.zeros((4, 2)))
