"""The confidence attack on outputs whose leakage is known."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from reunlearn.attacks import _svc
from reunlearn.attacks.confidence_svc import run
from tests.attacks.synthetic import CLASSES, half_seen, logits_of, memorised, never_saw, noisy


def test_none_half_and_all_are_called_non_members() -> None:
    assert run(memorised(), None, 0).value == 0.0
    assert run(half_seen(), None, 0).value == 50.0
    assert run(never_saw(), None, 0).value == 100.0


def test_a_forgotten_class_gives_one_hundred() -> None:
    """The paper's value for classes: the true class has become improbable, unlike any member's."""
    base = memorised()
    labels = np.full(60, 3)
    outputs = replace(
        base,
        logits={**base.logits, "forget": logits_of(np.full(60, 0.01), labels)},
        labels={**base.labels, "forget": labels},
    )
    assert run(outputs, None, 0).value == 100.0


def test_scores_are_probabilities_of_the_true_class() -> None:
    result = run(memorised(), None, 0)
    np.testing.assert_allclose(result.member_scores, np.linspace(0.95, 0.99, 60), rtol=1e-6)
    assert result.details["auc"] == 1.0


def test_auc_of_a_gaussian_pair() -> None:
    rng = np.random.default_rng(4)
    labels = {
        name: np.arange(n) % CLASSES for name, n in {"forget": 4000, "retain": 100, "test": 4000}.items()
    }
    shift = {"forget": 0.8, "retain": 0.8, "test": 0.0}
    p = {s: 1 / (1 + np.exp(-rng.normal(shift[s], 1, len(y)))) for s, y in labels.items()}
    outputs = replace(memorised(), logits={s: logits_of(p[s], y) for s, y in labels.items()}, labels=labels)
    assert run(outputs, None, 0).details["auc"] == pytest.approx(NormalDist().cdf(0.8 / 2**0.5), abs=0.015)


def test_the_halves_are_even_and_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    details = run(noisy(0), None, 0).details
    assert (details["rows"], details["rows_left_out_by_cap"]) == (480, 0)
    monkeypatch.setattr(_svc, "MAX_ROWS", 100)
    details = run(noisy(0), None, 0).details
    assert (details["rows"], details["rows_left_out_by_cap"]) == (100, 380)


def test_only_the_first_test_samples_teach() -> None:
    """As the card says, the order of test matters where retain is smaller: samples past n change nothing."""
    base = noisy(0)
    changed = base.logits["test"].copy()
    changed[240:] += 5 * np.eye(CLASSES)[base.labels["test"][240:]]
    tail = replace(base, logits={**base.logits, "test": changed})
    assert run(tail, None, 0).value == run(base, None, 0).value
    flipped = replace(
        base,
        logits={**base.logits, "test": changed[::-1]},
        labels={**base.labels, "test": base.labels["test"][::-1]},
    )
    assert run(flipped, None, 0).value != run(base, None, 0).value
