"""A test set without the forgotten classes: attacks still compare forget with test samples of its classes."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.attacks import registry
from reunlearn.metrics.outputs import LEFT_OUT, Outputs

CLASSES, SIZE = 4, 240
ATTACKS = (
    "entropy_logistic",
    "entropy_logistic_augmented",
    "confidence_svc",
    "loss_logistic_cv",
    "entropy_logistic_cv",
    "quantile_regression",
)


def outputs(limited: bool) -> Outputs:
    """Return outputs of a model that forgot class 0; `limited`: the test set is without that class."""
    draw = np.random.default_rng(0)
    labels = {name: np.arange(SIZE) % CLASSES for name in ("test", "validation")}
    labels |= {"forget": np.zeros(SIZE, dtype=int), "retain": 1 + np.arange(SIZE) % (CLASSES - 1)}
    logits = {name: draw.normal(0, 1, (SIZE, CLASSES)) for name in ("forget", "retain", "test", "validation")}
    for name, margin in (("forget", 1.5), ("retain", 3.0)):
        logits[name][np.arange(SIZE), labels[name]] += margin
    logits["test"][:, 0] += 2.0 * (labels["test"] == 0)  # unlike the test samples of other classes
    if limited:
        goes = labels["test"] == 0
        for arrays in (logits, labels):
            arrays[LEFT_OUT], arrays["test"] = arrays["test"][goes], arrays["test"][~goes]
    return Outputs(logits, labels, {name: np.arange(len(y)) for name, y in labels.items()})


@pytest.mark.parametrize("attack", ATTACKS)
def test_forget_is_compared_with_the_same_samples(attack: str) -> None:
    run = registry.get(attack).run
    whole, limited = (run(outputs(each), None, 0) for each in (False, True))
    np.testing.assert_array_equal(whole.member_scores, limited.member_scores)
    np.testing.assert_array_equal(whole.other_scores, limited.other_scores)
    assert len(limited.other_scores) == SIZE // CLASSES


@pytest.mark.parametrize("attack", ["entropy_logistic", "confidence_svc"])
def test_what_is_learned_from_the_test_set_is_learned_from_what_is_left(attack: str) -> None:
    run = registry.get(attack).run
    assert run(outputs(False), None, 0).value != run(outputs(True), None, 0).value
