"""Loss attack: can a logistic regression tell forget from test by the loss? |cross-validated accuracy − 50|.

Features are the evaluated model's losses, clipped to ±100, of {forget: member, test samples of the classes in
forget: not}; the larger set is subsampled to the size of the smaller. Accuracy over five stratified shuffle
splits with a tenth held out (SCRUB's attack). Losses are sorted before anything is drawn, so the order of
samples does not matter; the seed draws the subsample and the splits.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, Shadows
from reunlearn.metrics.classification import cross_entropy
from reunlearn.metrics.ranking import ranking

CLIP = 100.0
SPLITS = 5
HELD_OUT = 0.1
LEAST = 10  # samples per set below which a tenth cannot hold both classes

CARD = AttackCard(
    name="loss_logistic_cv",
    title="MIA loss",
    compares="the loss of forget samples with that of test samples of the same classes, evenly many",
    unit="percentage points that the attack's accuracy lies from 50, either way",
    direction="higher is more leakage",
    ideal="0: an accuracy of 50 is chance. Few samples alone put it some points off; compare with Retrain's",
    column_of="∇τ '|MIA_L − 50|' (the details give SCRUB's accuracy)",
    source="Kurmanji et al. 2023 (SCRUB), used by ∇τ",
)


def run(outputs: Outputs, shadows: Shadows | None, seed: int) -> AttackResult:
    """Attack one model."""
    alike = outputs.comparable_test()
    forget = cross_entropy(outputs.logits["forget"], outputs.labels["forget"])
    test = cross_entropy(outputs.logits["test"][alike], outputs.labels["test"][alike])
    n = min(len(forget), len(test))
    if n < LEAST:
        raise ValueError(
            f"loss_logistic_cv needs {LEAST} samples each of forget and of test in its classes, not {n}"
        )
    draws = np.random.default_rng(seed)
    rows = [draws.choice(np.sort(np.clip(loss, -CLIP, CLIP)), n, replace=False) for loss in (forget, test)]
    splits = StratifiedShuffleSplit(SPLITS, test_size=HELD_OUT, random_state=seed)
    x, y = np.concatenate(rows)[:, None], np.repeat([1, 0], n)
    accuracies = cross_val_score(LogisticRegression(), x, y, cv=splits, scoring="accuracy")
    accuracy = 100.0 * float(accuracies.mean())
    details = {"accuracy": accuracy, "samples_per_set": n, **ranking(-forget, -test)}
    return AttackResult(abs(accuracy - 50.0), -forget, -test, details)
