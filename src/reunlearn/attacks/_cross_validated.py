"""Can a logistic regression tell forget from test by one number per sample? Accuracy over five shuffle splits.

{forget: member, test samples of the classes in forget: not}; the larger set is subsampled to the size of the smaller,
and each split holds out a tenth, equally many of both (SCRUB's attack). Values are sorted before anything is drawn, so
the order of samples does not matter; the seed determines the subsample and the splits.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

from reunlearn.attacks.registry import AttackResult
from reunlearn.metrics.separation import separation

SPLITS = 5
HELD_OUT = 0.1
LEAST = 10  # samples per set below which a tenth cannot hold both classes
FEWEST = {"forget": LEAST, "test": LEAST}
UNIT = "distance of the attack's accuracy from 50, in percentage points"
IDEAL = (
    "0: an accuracy of 50 is chance. With few samples chance alone gives some points; compare with Retrain's"
)
COST = "five logistic regressions of one number per sample: below a second"


def attack(name: str, forget_N: np.ndarray, test_M: np.ndarray, seed: int) -> AttackResult:
    """Attack with a number per sample that is lower for members; the result's value is |accuracy − 50|.

    Raises:
        ValueError: a set has fewer than LEAST samples.
    """
    n = min(len(forget_N), len(test_M))
    if n < LEAST:
        raise ValueError(
            f"{name} needs {LEAST} samples each of forget and of test in its classes, not {n}; "
            "forget more samples or leave this attack out"
        )
    draws = np.random.default_rng(seed)
    rows = [draws.choice(np.sort(values), n, replace=False) for values in (forget_N, test_M)]
    splits = StratifiedShuffleSplit(SPLITS, test_size=HELD_OUT, random_state=seed)
    x, y = np.concatenate(rows)[:, None], np.repeat([1, 0], n)
    accuracies = cross_val_score(LogisticRegression(), x, y, cv=splits, scoring="accuracy")
    accuracy = 100.0 * float(accuracies.mean())
    details = {"accuracy": accuracy, "samples_per_set": n, **separation(-forget_N, -test_M)}
    return AttackResult(abs(accuracy - 50.0), -forget_N, -test_M, details)
