"""A logistic regression on output entropy: what both entropy attacks fit."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from reunlearn.attacks.registry import AttackResult
from reunlearn.metrics.separation import separation


def attack(
    retain_N: np.ndarray, test_N: np.ndarray, forget_N: np.ndarray, other_M: np.ndarray
) -> AttackResult:
    """Return which share of forget is called member by a classifier of retain against test.

    Balanced class weights. The released multinomial fit with two classes penalises each of two opposite weight vectors,
    which equals a binary fit with C = 2.

    Args:
        retain_N, test_N, forget_N: entropies.
        other_M: of test samples with a class of the forget set: the AUC compares forget with these.
    """
    x = np.concatenate([retain_N, test_N])[:, None]
    y = np.repeat([1, 0], [len(retain_N), len(test_N)])
    classifier = LogisticRegression(C=2.0, class_weight="balanced", max_iter=1000).fit(x, y)
    predicted_N = classifier.predict(forget_N[:, None])
    member, other = -forget_N, -other_M
    return AttackResult(100.0 * float(predicted_N.mean()), member, other, separation(member, other))
