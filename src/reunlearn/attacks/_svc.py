"""A support vector classifier on one feature of the outputs, trained on retain and test and applied to forget.

C = 3, RBF kernel, γ = 1/features, {first n of retain: member, first n of test: not}. In the released code n is |test|;
where retain is smaller, n = |retain| keeps both halves equally large, as in the papers. The time of a fit grows with
the square of the rows, so n is limited, and the details count the rows left out. Equal rows are given once, with their
number as sample weight. This is the same optimisation problem, because scikit-learn multiplies C by the weight.

The classifier's answers f(x) = Σ α exp(−γ |x − s|²) + b are products of matrices, blocks of rows at a time; libsvm,
which goes row by row, takes three to seven times as long and differs by rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.svm import SVC

from reunlearn.attacks.registry import AttackResult
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

MAX_ROWS = 20_000  # of both halves together
# MiB of kernel rows that libsvm keeps: what leaves the processor's caches costs more to read than to compute again
KEPT = 50
BLOCK = 256  # rows that are answered together: 40 MB of kernel values at the cap
COST = f"one fit of at most {MAX_ROWS} rows: up to half a minute, growing with the square of the rows"
UNIT = "% of the forget set called non-member"
DIRECTION = "higher is less leakage"
ORDERED = ("retain", "test")

Feature = Callable[[np.ndarray, np.ndarray], np.ndarray]  # logits [N, K], labels [N] → [N] or [N, features]


def features(outputs: Outputs, feature: Feature, sets: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the feature of whole sets [N, features]."""
    values = {name: feature(outputs.logits[name], outputs.labels[name]) for name in sets}
    return {name: values_N.reshape(len(values_N), -1) for name, values_N in values.items()}


def fit(x: dict[str, np.ndarray]) -> tuple[SVC, dict[str, int]]:
    """Fit on the features of retain and test.

    Args:
        x: features [N, features] by set.

    Returns:
        The classifier, and the numbers of rows it was trained on and that were left out.
    """
    available = min(len(x["retain"]), len(x["test"]))
    n = min(available, MAX_ROWS // 2)
    rows = np.concatenate([x["retain"][:n], x["test"][:n]])
    rows = np.column_stack([np.repeat([1, 0], n), rows])
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    classifier = SVC(C=3.0, kernel="rbf", gamma="auto", cache_size=KEPT)
    classifier.fit(distinct[:, 1:], distinct[:, 0], sample_weight=counts)
    return classifier, {"rows": 2 * n, "rows_left_out_by_cap": 2 * (available - n)}


def decisions(classifier: SVC, x: np.ndarray) -> np.ndarray:
    """Return f(x) of each row [N]; a member's is at least 0."""
    supports, weights, bias = classifier.support_vectors_, classifier.dual_coef_[0], classifier.intercept_[0]
    gamma = 1.0 / x.shape[1]
    squares = gamma * np.square(supports).sum(axis=1)
    answers = np.empty(len(x))
    for first in range(0, len(x), BLOCK):
        rows = x[first : first + BLOCK]
        kernel = rows @ (2.0 * gamma * supports.T)
        kernel -= squares
        kernel -= gamma * np.square(rows).sum(axis=1, keepdims=True)
        answers[first : first + BLOCK] = np.exp(kernel, out=kernel) @ weights
    return answers + bias


def non_members(decisions_N: np.ndarray) -> float:
    """Return the share of rows that are classified as non-members, in per cent."""
    return 100.0 * (1.0 - float((decisions_N >= 0).mean()))


def attack(outputs: Outputs, feature: Feature, sign: float) -> AttackResult:
    """Attack with one feature; scores are sign · feature of forget and of test samples of forget's classes."""
    x = features(outputs, feature, ("forget", "retain", "test"))
    classifier, rows = fit(x)
    member, other = sign * x["forget"][:, 0], sign * feature(*outputs.unseen_alike())
    value = non_members(decisions(classifier, x["forget"]))
    return AttackResult(value, member, other, {**rows, **separation(member, other)})
