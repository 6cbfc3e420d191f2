"""The entropy attack on outputs whose leakage is known."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from reunlearn.attacks import entropy_logistic_augmented
from reunlearn.attacks.entropy_logistic import run
from reunlearn.metrics.classification import entropy
from tests.attacks.synthetic import CLASSES, half_seen, logits_of, memorised, never_saw, noisy


def test_all_half_and_none_are_called_members() -> None:
    assert run(memorised(), None, 0).value == 100.0
    assert run(half_seen(), None, 0).value == 50.0
    assert run(never_saw(), None, 0).value == 0.0


def test_a_model_that_never_saw_forget_gives_the_share_of_test_called_member() -> None:
    """With overlapping outputs the ideal is not 50 but what fresh samples get."""
    base = noisy(0, {"forget": 400, "retain": 800, "test": 1600})
    fresh = {
        name: base.logits["test"][part]
        for name, part in (("forget", slice(0, 800)), ("test", slice(800, None)))
    }
    labels = {
        name: base.labels["test"][part]
        for name, part in (("forget", slice(0, 800)), ("test", slice(800, None)))
    }
    outputs = replace(base, logits={**base.logits, **fresh}, labels={**base.labels, **labels})
    x = {name: entropy(outputs.logits[name])[:, None] for name in outputs.logits}
    fit = LogisticRegression(C=2.0, class_weight="balanced")
    fit.fit(np.concatenate([x["retain"], x["test"]]), np.repeat([1, 0], [len(x["retain"]), len(x["test"])]))
    expected = 100 * fit.predict(x["test"]).mean()
    result = run(outputs, None, 0)
    assert result.value == pytest.approx(expected, abs=6)
    assert abs(expected - 50) > 3  # else the line above would not tell it from 50
    assert result.details["auc"] == pytest.approx(0.5, abs=0.04)


def test_auc_of_entropies_with_a_closed_form() -> None:
    """Confidence normal in logit space is a monotone map of −entropy: AUC = Φ(shift/√2)."""
    rng = np.random.default_rng(3)
    labels = {
        name: np.arange(n) % CLASSES for name, n in {"forget": 4000, "retain": 400, "test": 4000}.items()
    }

    def p(shift: float, n: int) -> np.ndarray:
        return 0.5 + 0.49 / (1 + np.exp(-rng.normal(shift, 1, n)))

    shift = {"forget": 1.0, "retain": 1.0, "test": 0.0}
    outputs = replace(
        memorised(), logits={s: logits_of(p(shift[s], len(y)), y) for s, y in labels.items()}, labels=labels
    )
    assert run(outputs, None, 0).details["auc"] == pytest.approx(NormalDist().cdf(1 / 2**0.5), abs=0.015)


def test_scores_are_compared_within_the_classes_of_forget() -> None:
    base = noisy(0)
    one = base.labels["forget"] == 3
    outputs = replace(
        base,
        logits={**base.logits, "forget": base.logits["forget"][one]},
        labels={**base.labels, "forget": base.labels["forget"][one]},
    )
    assert (
        len(run(outputs, None, 0).other_scores) == (base.labels["test"] == 3).sum() < len(base.labels["test"])
    )


def test_augmented_entropies_take_the_place_of_those_of_forget_and_retain() -> None:
    """GDR-GMA: test stays as it is. Where nothing is augmented, the two attacks are one."""
    plain = noisy(1, {"forget": 300, "retain": 300, "test": 300})
    assert entropy_logistic_augmented.run(plain, None, 0).value == run(plain, None, 0).value
    other = noisy(2, {"forget": 300, "retain": 300, "test": 300})
    entropies = {name: entropy(other.logits[name]) for name in ("forget", "retain")}
    both = replace(plain, augmented_entropy=entropies)
    swapped = replace(
        plain, logits={**plain.logits, **{name: other.logits[name] for name in ("forget", "retain")}}
    )
    assert entropy_logistic_augmented.run(both, None, 0).value == run(swapped, None, 0).value
    assert run(both, None, 0).value == run(plain, None, 0).value  # the plain attack does not look at them
