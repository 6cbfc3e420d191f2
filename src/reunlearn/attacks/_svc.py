"""A support vector classifier on one feature of the outputs, taught with retain and test, asked about forget.

C = 3, RBF kernel, γ = 1/features, {first n of retain: member, first n of test: not}. The released code's n is |test|;
where retain is smaller, n = |retain| keeps the halves even, as they are in the papers. The fit grows with the square
of the rows, so n is capped and the details say so. Rows that are alike are given once, with their number as weight:
the same problem, for a weight multiplies C.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.svm import SVC

from reunlearn.attacks.registry import AttackResult, Outputs
from reunlearn.metrics.separation import ranking

MAX_ROWS = 20_000  # of both halves together
COST = f"one fit of at most {MAX_ROWS} rows: up to half a minute, growing with their square"
UNIT = "% of the forget set called non-member"
DIRECTION = "higher is less leakage"
ORDERED = ("retain", "test")

Feature = Callable[[np.ndarray, np.ndarray], np.ndarray]  # logits [N, K], labels [N] → [N] or [N, features]


def features(outputs: Outputs, feature: Feature, sets: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the feature of whole sets [N, features]."""
    found = {name: feature(outputs.logits[name], outputs.labels[name]) for name in sets}
    return {name: values.reshape(len(values), -1) for name, values in found.items()}


def fit(found: dict[str, np.ndarray]) -> tuple[SVC, dict[str, int]]:
    """Fit on the features of retain and test; return the classifier and how many rows it saw and left out."""
    even = min(len(found["retain"]), len(found["test"]))
    n = min(even, MAX_ROWS // 2)
    rows = np.concatenate([found["retain"][:n], found["test"][:n]])
    rows = np.column_stack([np.repeat([1, 0], n), rows])
    alike, count = np.unique(rows, axis=0, return_counts=True)
    model = SVC(C=3.0, kernel="rbf", gamma="auto").fit(alike[:, 1:], alike[:, 0], sample_weight=count)
    return model, {"rows": 2 * n, "rows_left_out_by_cap": 2 * (even - n)}


def non_members(model: SVC, found: np.ndarray) -> float:
    """Return the share of rows that are not called members, in per cent; rows alike are asked once."""
    alike, back = np.unique(found, axis=0, return_inverse=True)
    return 100.0 * (1.0 - float(model.predict(alike)[back.ravel()].mean()))


def attack(outputs: Outputs, feature: Feature, sign: float) -> AttackResult:
    """Attack with one feature; sign · feature is the score, compared with test samples of forget's classes."""
    found = features(outputs, feature, ("forget", "retain", "test"))
    model, rows = fit(found)
    member, other = (sign * found[name][:, 0] for name in ("forget", "test"))
    other = other[outputs.comparable("test")]
    return AttackResult(
        non_members(model, found["forget"]), member, other, {**rows, **ranking(member, other)}
    )
