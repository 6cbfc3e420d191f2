"""KL, Jensen–Shannon and ZRF against scipy, closed forms, and loops over samples and classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr

from reunlearn.metrics import divergence
from reunlearn.metrics.classification import softmax

LOGITS = st.lists(st.floats(-8, 8), min_size=6, max_size=6).map(lambda v: np.array(v).reshape(2, 3))


def bernoulli(p: float) -> np.ndarray:
    """Return the logits [1, 2] of (p, 1 − p)."""
    return np.log([[p, 1 - p]])


@given(LOGITS, LOGITS)
def test_kl_and_js_are_those_of_scipy(first, second):
    p, q = softmax(first), softmax(second)
    assert divergence.kl(p, q) == pytest.approx(rel_entr(p, q).sum(axis=1), abs=1e-12)
    middle = (
        p + q
    ) / 2  # SciPy's jensenshannon takes a root, which is not a number when rounding makes JS negative
    js = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
    assert divergence.js(p, q) == pytest.approx(js, abs=1e-12)


def test_closed_form_of_two_coins_and_direction():
    found = divergence.divergences(bernoulli(0.5), bernoulli(0.1))
    assert found["kl"] == pytest.approx(0.5 * math.log(0.5 / 0.1) + 0.5 * math.log(0.5 / 0.9))
    other_way = divergence.divergences(bernoulli(0.1), bernoulli(0.5))
    assert other_way["kl"] == pytest.approx(0.1 * math.log(0.2) + 0.9 * math.log(1.8))
    assert other_way["js"] == pytest.approx(found["js"])
    assert other_way["kl"] != pytest.approx(found["kl"])


def test_the_same_outputs_are_no_distance_apart():
    logits = np.random.default_rng(0).normal(size=(5, 4))
    assert divergence.divergences(logits, logits + 3.0) == {
        "kl": pytest.approx(0, abs=1e-12),
        "js": pytest.approx(0, abs=1e-12),
    }


def test_opposite_certainties_reach_the_caps():
    sure = np.array([[1000.0, 0.0]])
    found = divergence.divergences(sure, sure[:, ::-1])
    assert found["kl"] == pytest.approx(-math.log(divergence.EPSILON))
    assert found["js"] == pytest.approx(math.log(2))


def test_other_samples_are_refused():
    with pytest.raises(ValueError, match="not the same set"):
        divergence.divergences(np.zeros((2, 3)), np.zeros((3, 3)))


def test_zrf_is_one_beside_an_untrained_network_and_zero_at_most_contrast():
    logits = np.random.default_rng(1).normal(size=(6, 5))
    sure = np.array([[1000.0, 0.0]])
    assert divergence.zrf(logits, logits) == pytest.approx(1)
    assert divergence.zrf(sure, sure[:, ::-1]) == pytest.approx(0, abs=1e-9)


def test_released_zrf_is_the_mean_over_samples_and_classes_with_exchanged_arguments():
    draw = np.random.default_rng(2)
    model, untrained = draw.normal(size=(4, 3)) * 2, draw.normal(size=(4, 3))
    total = 0.0
    for a, b in zip(softmax(model), softmax(untrained), strict=True):
        for x, y in zip(a, b, strict=True):
            m = (x + y) / 2
            total += 0.5 * m * (math.log(m) - math.log(x)) + 0.5 * m * (math.log(m) - math.log(y))
    found = divergence.zrf_released(model, untrained)
    assert found == pytest.approx(1 - total / (4 * 3))
    assert found != pytest.approx(divergence.zrf(model, untrained), abs=1e-3)


def test_outputs_that_are_not_finite_give_nan_not_a_number():
    found = divergence.divergences(np.zeros((2, 3)), np.full((2, 3), np.nan))
    assert np.isnan(list(found.values())).all()
