"""Quantile regression: is a sample's margin above the 95 % quantile of similar samples that the model never saw?

Boosted trees learn, on half of the validation set, the 95 % quantile q(·) of the margin φ = ln p_y / (1 − p_y) of
samples that the evaluated model never saw; the other half, in forget's classes, sets the level c that 5 % exceed:

    member if φ(x) − q(x) > c        c: the ⌈0.95 (n + 1)⌉-th smallest φ − q of n calibration samples

The paper regresses on the input itself. Attacks here read outputs only, so "similar" means: the same label, and a
similar distribution over the wrong classes (its three largest log-shares and its entropy), which alone does not
determine φ. Without the calibration (conformal, Romano et al. 2019) more than 5 % exceed what overfitted trees predict.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from reunlearn.attacks._shadow_margins import of_models
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import log_softmax
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

LEVEL = 0.95
LEAST = int(np.ceil(1 / (1 - LEVEL))) - 1  # samples whose quantile of this level is one of them
SHARES = 3
MOST_CATEGORIES = 255  # scikit-learn's trees take at most so many; more labels are treated as numbers

CARD = AttackCard(
    name="quantile_regression",
    title="MIA quantile regression",
    compares="margins of forget with the 95 % quantile predicted for unseen samples; "
    "its AUC compares forget with test samples of the same classes",
    unit="% of the forget set above the level that 5 % of unseen samples exceed",
    direction="higher is more leakage",
    ideal="5, and an AUC of 0.5: forget exceeds the level no more often than other unseen samples",
    source="Bertran et al. 2023, on outputs instead of inputs; calibrated as in Romano et al. 2019",
    cost="one fit of 100 small trees on half of the validation set: seconds, no other model",
    least={"validation": 2 * LEAST},  # half of them calibrates
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    training, calibration = _halves(outputs, seed)
    rank = int(np.ceil(LEVEL * (len(calibration) + 1)))
    if rank > len(calibration):
        raise ValueError(
            f"quantile_regression needs {LEAST} validation samples of forget's classes in half of the validation set, "
            f"not {len(calibration)}; hold out more validation samples or leave this attack out"
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
    trees.fit(*_features_and_margins(outputs, "validation", np.sort(training)))

    def excess(name: str, rows: np.ndarray | slice) -> np.ndarray:
        """Return φ − q [N] of some samples of a set."""
        features, margin_N = _features_and_margins(outputs, name, rows)
        return margin_N - trees.predict(features)

    threshold = np.sort(excess("validation", calibration))[rank - 1]
    member = excess("forget", slice(None)) - threshold
    other = excess(outputs.unseen, outputs.comparable(outputs.unseen)) - threshold
    counts = {"calibration_samples": len(calibration), "false_positives": 100.0 * float((other > 0).mean())}
    return AttackResult(
        100.0 * float((member > 0).mean()), member, other, {**counts, **separation(member, other)}
    )


def _halves(outputs: Outputs, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the validation set to train on, and those of forget's classes to calibrate on."""
    order = np.argsort(outputs.index["validation"])
    drawn = order[np.random.default_rng(seed).permutation(len(order))]
    training, calibration = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
    return training, calibration[outputs.comparable("validation")[calibration]]


def _features_and_margins(
    outputs: Outputs, name: str, rows: np.ndarray | slice
) -> tuple[np.ndarray, np.ndarray]:
    """Return features [N, 2 + SHARES] and margins [N] of some samples of a set."""
    logits_NK, labels_N = outputs.logits[name][rows], outputs.labels[name][rows]
    wrong_NK = np.arange(logits_NK.shape[-1]) != labels_N[:, None]
    others_NO = log_softmax(logits_NK[wrong_NK].reshape(len(labels_N), -1))
    largest_NS = -np.sort(-others_NO, axis=1)[:, :SHARES]
    entropy_N = -(np.exp(others_NO) * others_NO).sum(axis=1)
    return np.column_stack([labels_N, largest_NS, entropy_N]), of_models(logits_NK[None], labels_N)[0]
