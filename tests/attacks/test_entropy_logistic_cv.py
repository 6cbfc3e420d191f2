"""The cross-validated entropy attack on outputs whose leakage is known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from reunlearn.attacks import entropy_logistic, loss_logistic_cv
from reunlearn.attacks.entropy_logistic_cv import run
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.outputs import Outputs
from tests.attacks.synthetic import CLASSES, logits_of, memorised, noisy, outputs_from


def outputs_of(forget: np.ndarray, test: np.ndarray) -> Outputs:
    """Return outputs with these probabilities of the true class."""
    return outputs_from({"forget": forget, "test": test, "retain": np.full(10, 0.9)})


def test_separable_entropies_are_told_apart_to_either_side() -> None:
    sure, unsure = np.full(60, 0.999), np.full(599, 0.1)
    for outputs, area in (
        (outputs_of(sure, unsure), 1.0),
        (outputs_of(unsure[:60], np.full(599, 0.999)), 0.0),
    ):
        result = run(outputs, None, 0)
        assert (result.value, result.details["accuracy"], result.details["auc"]) == (50.0, 100.0, area)
        assert result.details["samples_per_set"] == 60


def test_a_model_that_never_saw_forget_gives_accuracy_50() -> None:
    """The paper's ideal: entropies from one distribution, so no rule beats chance."""
    rng = np.random.default_rng(0)
    result = run(outputs_of(rng.uniform(0.2, 0.99, 5000), rng.uniform(0.2, 0.99, 5000)), None, 0)
    assert result.details["accuracy"] == pytest.approx(50, abs=2.5)
    assert result.value == pytest.approx(0, abs=2.5)
    assert result.details["auc"] == pytest.approx(0.5, abs=0.02)
    assert run(outputs_of(np.full(60, 0.5), np.full(599, 0.5)), None, 0).value == 0.0


def test_half_remembered_gives_accuracy_75() -> None:
    """Half of forget is sure, the other half like test: the best rule is wrong about a quarter."""
    forget = np.where(np.arange(2000) % 2 == 0, 0.9999, 0.1)
    assert run(outputs_of(forget, np.full(2000, 0.1)), None, 0).value == pytest.approx(25, abs=3)


def test_auc_of_a_gaussian_pair() -> None:
    """Confidence normal in logit space is a monotone map of −entropy: AUC = Φ(shift/√2)."""
    rng = np.random.default_rng(3)
    forget, test = (0.5 + 0.49 / (1 + np.exp(-rng.normal(m, 1, 4000))) for m in (1.0, 0.0))
    area = run(outputs_of(forget, test), None, 0).details["auc"]
    assert area == pytest.approx(NormalDist().cdf(1 / 2**0.5), abs=0.015)


def test_it_differs_from_the_attack_that_is_taught_with_retain() -> None:
    """Two attacks on entropies, two definitions: one asks forget against test, one retain against test."""
    scores = [a(noisy(0), None, 0) for a in (run, entropy_logistic.run)]
    np.testing.assert_array_equal(scores[0].member_scores, -entropy(noisy(0).logits["forget"]))
    np.testing.assert_array_equal(scores[0].member_scores, scores[1].member_scores)
    assert scores[0].value != scores[1].value
    assert run(memorised(), None, 0).value != entropy_logistic.run(memorised(), None, 0).value


def test_it_does_not_see_which_class_a_model_is_sure_of_and_the_loss_attack_does() -> None:
    labels = np.arange(300) % CLASSES
    right, wrong = (
        logits_of(np.full(300, 0.95), labels),
        logits_of(np.full(300, 0.95), (labels + 1) % CLASSES),
    )
    sets = {"forget": labels, "test": labels}
    outputs = Outputs({"forget": right, "test": wrong}, sets, {name: np.arange(300) for name in sets})
    assert run(outputs, None, 0).value == pytest.approx(0, abs=8)
    assert loss_logistic_cv.run(outputs, None, 0).value > 45


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="entropy_logistic_cv needs 10 samples"):
        run(outputs_of(np.full(9, 0.5), np.full(599, 0.5)), None, 0)
