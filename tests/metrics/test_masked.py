"""The outputs of forgotten classes removed, against a loop over samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reunlearn.metrics.masked import masked
from reunlearn.metrics.outputs import Outputs

CLASSES, FORGOTTEN = 5, np.array([1, 3])
SIZES = {"forget": 12, "retain": 40, "test": 30}


def outputs(retain: list[int] | None = None) -> Outputs:
    draw = np.random.default_rng(0)
    logits = {name: draw.normal(0, 2, (size, CLASSES)).astype(np.float16) for name, size in SIZES.items()}
    labels = {name: draw.integers(0, CLASSES, size) for name, size in SIZES.items()}
    labels["forget"] = np.resize(FORGOTTEN, SIZES["forget"])
    labels["retain"] = np.resize(retain or [0, 2, 4], SIZES["retain"])
    return Outputs(logits, labels, {name: np.arange(size) for name, size in SIZES.items()})


def test_only_the_other_classes_can_be_answered() -> None:
    found, given = masked(outputs(), FORGOTTEN), outputs()
    for name, number in (("retain", "accuracy_retain_masked"), ("test", "accuracy_test_retained_masked")):
        right = []
        for z_K, y in zip(given.logits[name], given.labels[name], strict=True):
            if y not in FORGOTTEN:
                allowed = [k for k in range(CLASSES) if k not in FORGOTTEN]
                right.append(max(allowed, key=lambda k, z_K=z_K: z_K[k]) == y)  # type: ignore[misc]
        assert found.numbers[number] == pytest.approx(100 * sum(right) / len(right))
    entropies = []
    for z_K in given.logits["forget"].astype(float):
        weights = [math.exp(z_K[k]) for k in range(CLASSES) if k not in FORGOTTEN]
        shares = [w / sum(weights) for w in weights]
        entropies.append(-sum(p * math.log(p) for p in shares))
    np.testing.assert_allclose(found.entropies, entropies, rtol=1e-9)
    assert found.numbers["entropy_forget_masked"] == pytest.approx(np.mean(entropies))


def test_without_samples_of_the_other_classes_there_is_no_accuracy() -> None:
    found = masked(outputs(retain=[1, 3]), FORGOTTEN)
    assert set(found.numbers) == {"accuracy_test_retained_masked", "entropy_forget_masked"}
