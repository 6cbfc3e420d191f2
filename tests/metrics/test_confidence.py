"""Ways of being sure, against loops over samples and classes."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics import confidence
from reunlearn.metrics.classification import softmax


def outputs(seed: int = 0, n: int = 30, classes: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, labels and softmax probabilities."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    return logits, rng.integers(classes, size=n), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_modified_entropy_equals_the_formula_sample_by_sample() -> None:
    logits, labels, p = outputs()
    slow = [
        -(1 - p[i, y]) * np.log(p[i, y]) - sum(p[i, k] * np.log(1 - p[i, k]) for k in range(5) if k != y)
        for i, y in enumerate(labels)
    ]
    np.testing.assert_allclose(confidence.modified_entropy(logits, labels), slow, rtol=1e-12)


def test_modified_entropy_is_low_only_where_the_right_class_is_sure() -> None:
    sure = np.array([[30.0, 0, 0], [30.0, 0, 0], [0.0, 0, 0]])
    right, wrong, unsure = confidence.modified_entropy(sure, np.array([0, 1, 0]))
    assert right < 1e-10 < unsure < wrong


def test_modified_entropy_of_extreme_logits_is_finite_and_not_negative() -> None:
    found = confidence.modified_entropy(np.array([[65504.0, -65504, 0]] * 3).astype(np.float16), np.arange(3))
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_the_released_one_is_wrong_in_both_ways() -> None:
    """All labels' columns in every row, and ln p for ln(1 − p): a loop over the definition of the mistake."""
    logits, _, p = outputs()
    labels = np.random.default_rng(3).integers(3, size=30)  # classes 3 and 4 do not occur
    slow = [
        -sum((1 - p[i, k]) * np.log(p[i, k]) for k in range(3))
        - sum(p[i, k] * np.log(p[i, k]) for k in (3, 4))
        for i in range(30)
    ]
    found = confidence.modified_entropy_released(logits, labels)
    np.testing.assert_allclose(found, slow, rtol=1e-12)
    assert np.abs(found - confidence.modified_entropy(logits, labels)).min() > 1e-3
    # a sample's value depends on the others in the set
    alone = confidence.modified_entropy_released(logits[:1], labels[:1])
    assert alone[0] != pytest.approx(found[0])


def test_correctness_and_probabilities() -> None:
    logits, labels, p = outputs()
    np.testing.assert_array_equal(confidence.correctness(logits, labels), p.argmax(axis=1) == labels)
    np.testing.assert_allclose(softmax(logits), p, rtol=1e-12)
