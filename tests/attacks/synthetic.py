"""Outputs of models that never were: what they leak is known by construction."""

from __future__ import annotations

import numpy as np

from reunlearn.attacks.registry import Outputs, Shadows

CLASSES = 10
SIZES = {"forget": 60, "retain": 240, "test": 599}


def logits_of(p_true_N: np.ndarray, labels_N: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """Return logits [N, K] that give the true class this probability and share the rest evenly."""
    rest_N1 = ((1.0 - p_true_N) / (classes - 1))[:, None]
    p_NK = np.repeat(rest_N1, classes, axis=1)
    p_NK[np.arange(len(labels_N)), labels_N] = p_true_N
    return np.log(p_NK)


def outputs_from(p_true: dict[str, np.ndarray], labels: dict[str, np.ndarray] | None = None) -> Outputs:
    """Return outputs with these probabilities of the true class; labels go round if none are given."""
    labels = labels or {name: np.arange(len(p)) % CLASSES for name, p in p_true.items()}
    return Outputs({name: logits_of(p, labels[name]) for name, p in p_true.items()}, labels)


def even(low: float, high: float, n: int) -> np.ndarray:
    """Return n probabilities spread evenly."""
    return np.linspace(low, high, n)


def memorised(sizes: dict[str, int] = SIZES) -> Outputs:
    """A model sure of what it saw (forget, retain), unsure of test, without overlap."""
    seen = {name: even(0.95, 0.99, sizes[name]) for name in ("forget", "retain")}
    return outputs_from({**seen, "test": even(0.3, 0.6, sizes["test"])})


def never_saw(sizes: dict[str, int] = SIZES) -> Outputs:
    """A model sure of retain only: forget looks like test."""
    unseen = {name: even(0.3, 0.6, sizes[name]) for name in ("forget", "test")}
    return outputs_from({**unseen, "retain": even(0.95, 0.99, sizes["retain"])})


def half_seen(sizes: dict[str, int] = SIZES) -> Outputs:
    """A model that remembers every other forget sample."""
    p = np.where(np.arange(sizes["forget"]) % 2 == 0, 0.97, 0.45)
    full = never_saw(sizes)
    labels = full.labels["forget"]
    return Outputs({**full.logits, "forget": logits_of(p, labels)}, full.labels)


def noisy(seed: int, sizes: dict[str, int] = SIZES) -> Outputs:
    """Overlapping Gaussian logits, retain shifted towards the label by 2, forget by 1."""
    rng = np.random.default_rng(seed)
    shift = {"forget": 1.0, "retain": 2.0, "test": 0.0}
    labels = {name: rng.integers(CLASSES, size=n) for name, n in sizes.items()}
    logits = {
        name: rng.normal(size=(n, CLASSES)) + shift[name] * np.eye(CLASSES)[labels[name]]
        for name, n in sizes.items()
    }
    return Outputs(logits, labels)


def pools(labels_N: np.ndarray, p_inside: float, p_outside: float, models: int = 8, seed: int = 0) -> Shadows:
    """Return shadow outputs whose probability of the true class lies around these values (±0.02)."""
    rng = np.random.default_rng(seed)

    def pool(p: float, count: int) -> np.ndarray:
        spread = rng.uniform(-0.02, 0.02, size=(count, len(labels_N)))
        return np.stack([logits_of(p + row, labels_N) for row in spread])

    return Shadows(pool(p_inside, models), pool(p_outside, models), pool(p_outside, 1)[0])
