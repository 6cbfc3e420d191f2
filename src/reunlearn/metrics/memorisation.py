"""How much a sample is memorised, and how well others teach it, from models that each learned half of the samples."""

from __future__ import annotations

import numpy as np


def shares_right(
    logits_MNK: np.ndarray, member_MN: np.ndarray, labels_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares [N] of right answers of models that learned each sample, and of those that did not.

    Args:
        logits_MNK: of M models.
        member_MN: which model learned which sample.
        labels_N: the right answers.

    Raises:
        ValueError: a sample was learned by all models or by none, or an answer is not finite.
    """
    if not np.isfinite(logits_MNK).all():
        raise ValueError("a model of the pool 'halves' has diverged: its answers are not finite")
    right_MN = np.stack([logits_NK.argmax(axis=-1) == labels_N for logits_NK in logits_MNK])
    inside_N = member_MN.sum(axis=0)
    outside_N = len(member_MN) - inside_N
    if not (inside_N.all() and outside_N.all()):
        raise ValueError("a sample was learned by all models of the pool 'halves' or by none")
    return (right_MN & member_MN).sum(axis=0) / inside_N, (right_MN & ~member_MN).sum(axis=0) / outside_N


def memorisation(logits_MNK: np.ndarray, member_MN: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return P(right | learned) − P(right | not learned) [N], in [−1, 1]."""
    inside_N, outside_N = shares_right(logits_MNK, member_MN, labels_N)
    return inside_N - outside_N


def consistency(logits_MNK: np.ndarray, member_MN: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return P(right | not learned) [N], in [0, 1]."""
    return shares_right(logits_MNK, member_MN, labels_N)[1]
