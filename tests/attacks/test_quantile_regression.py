"""Quantile regression: the false positives that it claims, and leakage that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks import loss_logistic_cv
from reunlearn.attacks.quantile_regression import run
from reunlearn.metrics.outputs import Outputs
from tests.attacks.synthetic import CLASSES, half_seen, leaky, memorised, never_saw, numbered

SIZES = {"forget": 1000, "retain": 10, "validation": 800, "test": 1000}


def by_class(seed: int, seen: bool, scale: float = 1.0) -> Outputs:
    """Return outputs whose margins depend on the class: N(class, 0.3²), and one more where seen."""
    rng = np.random.default_rng(seed)
    labels = {name: rng.integers(CLASSES, size=n) for name, n in SIZES.items()}
    logits = {}
    for name, label in labels.items():
        margin = label + rng.normal(0, 0.3, len(label)) + (seen and name == "forget")
        others = rng.normal(0, scale, (len(label), CLASSES))
        others[np.arange(len(label)), label] = -np.inf
        total = np.log(np.exp(others).sum(axis=1))
        others[np.arange(len(label)), label] = margin + total
        logits[name] = others
    return Outputs(logits, labels, numbered(labels))


def test_all_half_and_few_pass() -> None:
    assert run(memorised(), None, 0).value == 100.0
    assert run(half_seen(), None, 0).value == pytest.approx(50, abs=4)
    assert run(never_saw(), None, 0).value == pytest.approx(5, abs=8)
    assert run(memorised(), None, 0).details["auc"] == 1.0


def test_false_positives_are_what_it_claims_on_a_model_that_never_saw_forget() -> None:
    """Conformal: 5 % of fresh samples pass, on average over calibration sets; here 20 of them, 40,000 answers."""
    found = [run(by_class(seed, seen=False), None, seed) for seed in range(20)]
    forget, test = (
        np.mean(v) for v in zip(*((r.value, r.details["false_positives"]) for r in found), strict=True)
    )
    # a calibration set of 400 alone moves the rate by √(0.05 · 0.95 / 400) = 1.1 points, twenty by 0.25
    assert forget == pytest.approx(5, abs=1.0)
    assert test == pytest.approx(5, abs=1.0)


def test_what_is_expected_of_a_class_is_taken_off() -> None:
    """Classes differ by more than membership does: the margin alone cannot tell, the regression can."""
    outputs = by_class(0, seen=True)
    result = run(outputs, None, 0)
    assert result.value > 80
    assert result.details["auc"] > loss_logistic_cv.run(outputs, None, 0).details["auc"] + 0.3


def _validation(arrays: dict[str, np.ndarray], places: np.ndarray) -> dict[str, np.ndarray]:
    """Return arrays per set with these validation samples."""
    return {name: a[places] if name == "validation" else a for name, a in arrays.items()}


def test_the_order_of_validation_is_nothing_and_the_seed_something() -> None:
    outputs, _ = leaky(0)
    order = np.random.default_rng(0).permutation(200)
    moved = Outputs(*(_validation(a, order) for a in vars(outputs).values()))
    first = run(outputs, None, 0)
    np.testing.assert_array_equal(run(moved, None, 0).member_scores, first.member_scores)
    assert not np.array_equal(run(outputs, None, 1).member_scores, first.member_scores)


def test_too_few_to_calibrate_are_refused() -> None:
    outputs = memorised()
    few = {name: _validation(a, np.arange(30)) for name, a in vars(outputs).items()}
    with pytest.raises(ValueError, match="needs 19 validation samples"):
        run(Outputs(**few), None, 0)
    alien = replace(outputs, labels={**outputs.labels, "forget": np.full(60, CLASSES)})
    with pytest.raises(ValueError, match="no validation sample has a class"):
        run(alien, None, 0)
