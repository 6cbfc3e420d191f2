"""The loss attack on outputs whose leakage is known."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from reunlearn.attacks.loss_logistic_cv import run
from tests.attacks.synthetic import CLASSES, logits_of, memorised, noisy, outputs_from


def from_losses(forget: np.ndarray, test: np.ndarray) -> object:
    """Return outputs with these losses."""
    return outputs_from({"forget": np.exp(-forget), "test": np.exp(-test), "retain": np.full(10, 0.9)})


def test_separable_losses_are_told_apart() -> None:
    # wide apart: the regression's penalty must not hide the gap
    result = run(from_losses(np.full(60, 0.01), np.full(599, 6.0)), None, 0)
    assert (result.value, result.details["accuracy"], result.details["auc"]) == (50.0, 100.0, 1.0)
    assert result.details["samples_per_set"] == 60


def test_a_model_that_never_saw_forget_gives_accuracy_50() -> None:
    """The paper's ideal: losses from one distribution, so no rule beats chance."""
    rng = np.random.default_rng(0)
    result = run(from_losses(rng.exponential(size=5000), rng.exponential(size=5000)), None, 0)
    assert result.details["accuracy"] == pytest.approx(50, abs=2.5)
    assert result.value == pytest.approx(0, abs=2.5)
    assert result.details["auc"] == pytest.approx(0.5, abs=0.02)


def test_losses_all_alike_give_zero() -> None:
    assert run(from_losses(np.full(60, 1.0), np.full(599, 1.0)), None, 0).value == 0.0


def test_a_forget_set_worse_than_test_counts_as_leakage_too() -> None:
    """The value is |accuracy − 50|: over-forgetting shows as well, while the AUC tells the side."""
    result = run(from_losses(np.full(60, 6.0), np.full(599, 0.01)), None, 0)
    assert (result.value, result.details["auc"]) == (50.0, 0.0)


def test_accuracy_and_auc_of_a_gaussian_pair() -> None:
    """N(μ, 1) against N(μ + 2, 1): the best rule is right Φ(1) of the time, AUC = Φ(√2)."""
    rng = np.random.default_rng(1)
    result = run(from_losses(rng.normal(6, 1, 4000), rng.normal(8, 1, 4000)), None, 0)
    assert result.details["accuracy"] == pytest.approx(100 * NormalDist().cdf(1), abs=2)
    assert result.details["auc"] == pytest.approx(NormalDist().cdf(2**0.5), abs=0.01)


def test_test_is_restricted_to_the_classes_of_forget() -> None:
    labels = {"forget": np.full(50, 3), "test": np.arange(600) % CLASSES, "retain": np.arange(30) % CLASSES}
    p_test = np.where(labels["test"] == 3, 0.5, 0.999)  # the other classes would give forget away
    logits = {
        "forget": logits_of(np.full(50, 0.5), labels["forget"]),
        "test": logits_of(p_test, labels["test"]),
    }
    outputs = replace(memorised(), logits={**logits, "retain": logits["test"][:30]}, labels=labels)
    result = run(outputs, None, 0)
    assert len(result.other_scores) == 60
    assert (result.value, result.details["auc"]) == (0.0, 0.5)


def test_huge_losses_are_clipped_and_finite() -> None:
    base = noisy(0)
    logits = base.logits["forget"].copy()
    logits[0, (base.labels["forget"][0] + 1) % CLASSES] = 60_000.0
    result = run(replace(base, logits={**base.logits, "forget": logits}), None, 0)
    assert np.isfinite(result.value)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 10 samples"):
        run(from_losses(np.full(9, 1.0), np.full(599, 1.0)), None, 0)
    base = noisy(0)
    alien = replace(base, labels={**base.labels, "forget": np.full(60, CLASSES)})
    with pytest.raises(ValueError, match="no test sample has a class of the forget set"):
        run(alien, None, 0)
