"""Softmax, accuracy, cross-entropy and entropy from logits: numpy in, numpy out, whole sets at once."""

from __future__ import annotations

import numpy as np


def log_softmax(logits_NK: np.ndarray) -> np.ndarray:
    """Return log-probabilities [N, K] in float64; NaN for samples with an infinite or undefined largest logit."""
    z_NK = logits_NK.astype(np.float64)
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        z_NK = z_NK - z_NK.max(axis=-1, keepdims=True)
    return z_NK - np.log(np.exp(z_NK).sum(axis=-1, keepdims=True))


def softmax(logits_NK: np.ndarray) -> np.ndarray:
    """Return probabilities [N, K] in float64."""
    return np.exp(log_softmax(logits_NK))


def accuracy(logits_NK: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the share of samples whose largest logit is the label's, in per cent; NaN where a logit is not finite."""
    if not np.isfinite(logits_NK).all():
        return float("nan")
    return 100.0 * float((logits_NK.argmax(axis=-1) == labels_N).mean())


def cross_entropy(logits_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return −log p(label) of each sample [N], natural logarithm."""
    return -np.take_along_axis(log_softmax(logits_NK), labels_N[:, None], axis=-1)[:, 0]


def entropy(logits_NK: np.ndarray) -> np.ndarray:
    """Return the entropy of each output distribution [N], natural logarithm; NaN where a logit is not finite."""
    log_p = log_softmax(logits_NK)
    with np.errstate(invalid="ignore"):  # 0 · −∞
        return -(np.exp(log_p) * log_p).sum(axis=-1)
