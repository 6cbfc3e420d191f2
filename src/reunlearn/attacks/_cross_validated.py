"""Can a logistic regression tell forget from test by one number per sample? Accuracy over five shuffle splits.

{forget: member, test samples of the classes in forget: not}; the larger set is subsampled to the size of the smaller,
and a tenth is held out, evenly of both (SCRUB's attack). Values are sorted before anything is drawn, so the order of
samples does not matter; the seed draws the subsample and the splits.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

from reunlearn.attacks.registry import AttackResult
from reunlearn.metrics.separation import ranking

SPLITS = 5
HELD_OUT = 0.1
LEAST = 10  # samples per set below which a tenth cannot hold both classes
UNIT = "percentage points that the attack's accuracy lies from 50, either way"
IDEAL = "0: an accuracy of 50 is chance. Few samples alone put it some points off; compare with Retrain's"
COST = "five logistic regressions of one number per sample: below a second"


def attack(name: str, forget_N: np.ndarray, test_M: np.ndarray, seed: int) -> AttackResult:
    """Attack with a number that is lower on members; the result's value is |accuracy − 50|."""
    n = min(len(forget_N), len(test_M))
    if n < LEAST:
        raise ValueError(f"{name} needs {LEAST} samples each of forget and of test in its classes, not {n}")
    draws = np.random.default_rng(seed)
    rows = [draws.choice(np.sort(values), n, replace=False) for values in (forget_N, test_M)]
    splits = StratifiedShuffleSplit(SPLITS, test_size=HELD_OUT, random_state=seed)
    x, y = np.concatenate(rows)[:, None], np.repeat([1, 0], n)
    accuracies = cross_val_score(LogisticRegression(), x, y, cv=splits, scoring="accuracy")
    accuracy = 100.0 * float(accuracies.mean())
    details = {"accuracy": accuracy, "samples_per_set": n, **ranking(-forget_N, -test_M)}
    return AttackResult(abs(accuracy - 50.0), -forget_N, -test_M, details)
