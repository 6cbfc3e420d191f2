"""Quantile regression: is a sample's margin above what 95 % of unseen samples like it reach?

Boosted trees learn, on half of the validation set, the 95 % quantile q(·) of the margin φ = ln p_y / (1 − p_y) of
samples that the evaluated model never saw; the other half, in forget's classes, fixes the level c at which 5 % pass:

    member if φ(x) − q(x) > c        c: the ⌈0.95 (n + 1)⌉-th smallest φ − q of n calibration samples

The paper regresses on the input itself. Attacks here read outputs only, so "like it" means: the same label, and a
like distribution over the wrong classes (its three largest log-shares and its entropy), which says nothing of φ by
itself. Without the calibration (conformal, Romano et al. 2019) trees that fit too closely pass more than 5 %.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from reunlearn.attacks._shadow_margins import of_models
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.classification import log_softmax
from reunlearn.metrics.separation import ranking

LEVEL = 0.95
SHARES = 3
MOST_CATEGORIES = 255  # that scikit-learn's trees split freely; more labels are read as numbers

CARD = AttackCard(
    name="quantile_regression",
    title="MIA quantile regression",
    compares="margins of forget with their expected 95 % quantile; "
    "its AUC compares forget with test samples of the same classes",
    unit="% of the forget set above the level that 5 % of unseen samples pass",
    direction="higher is more leakage",
    ideal="5, and an AUC of 0.5: forget passes no oftener than other unseen samples",
    column_of="no paper's of the five",
    source="Bertran et al. 2023, on outputs instead of inputs; calibrated as in Romano et al. 2019",
    cost="one fit of 100 small trees on half of the validation set: seconds, no other model",
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    order = np.argsort(outputs.index["validation"])
    drawn = np.random.default_rng(seed).permutation(len(order))
    alike = outputs.comparable("validation")
    taught = order[drawn[: len(drawn) // 2]]
    level = order[drawn[len(drawn) // 2 :]]
    level = level[alike[level]]
    rank = int(np.ceil(LEVEL * (len(level) + 1)))
    if rank > len(level):
        least = int(np.ceil(1 / (1 - LEVEL))) - 1
        raise ValueError(
            f"quantile_regression needs {least} validation samples of forget's classes in half of the validation set, "
            f"not {len(level)}"
        )
    classes = outputs.logits["forget"].shape[-1]
    trees = HistGradientBoostingRegressor(
        loss="quantile",
        quantile=LEVEL,
        max_leaf_nodes=8,
        early_stopping=False,
        categorical_features=[0] if classes <= MOST_CATEGORIES else None,
        random_state=seed,
    )
    excess = {}
    trees.fit(*_questions(outputs, "validation", np.sort(taught)))
    for name, rows in (("validation", level), ("forget", slice(None)), ("test", outputs.comparable("test"))):
        features, margin = _questions(outputs, name, rows)
        excess[name] = margin - trees.predict(features)
    threshold = np.sort(excess["validation"])[rank - 1]
    member, other = excess["forget"] - threshold, excess["test"] - threshold
    known = {"calibration_samples": len(level), "false_positives": 100.0 * float((other > 0).mean())}
    return AttackResult(
        100.0 * float((member > 0).mean()), member, other, {**known, **ranking(member, other)}
    )


def _questions(outputs: Outputs, name: str, rows: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
    """Return features [N, 2 + shares] and margins [N] of some samples of a set."""
    logits_NK, labels_N = outputs.logits[name][rows], outputs.labels[name][rows]
    wrong_NK = np.arange(logits_NK.shape[-1]) != labels_N[:, None]
    others_NO = log_softmax(logits_NK[wrong_NK].reshape(len(labels_N), -1))
    largest_NS = -np.sort(-others_NO, axis=1)[:, :SHARES]
    entropy_N = -(np.exp(others_NO) * others_NO).sum(axis=1)
    return np.column_stack([labels_N, largest_NS, entropy_N]), of_models(logits_NK[None], labels_N)[0]
