"""A training set of 500 samples with ten classes of two sub-classes each, and scenarios on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from reunlearn.data.halves import half
from reunlearn.data.scenarios.registry import Selection, TrainingSet, select
from reunlearn.metrics.outputs import Pool
from reunlearn.study.scenario import read_scenario

LABELS = np.arange(500) % 10
FINE = np.arange(500) % 20  # the sub-classes of class k are k and k + 10
INDEX = 3 * np.arange(500)
HELD_OUT = INDEX[:20] + 1
KNOWN = np.random.default_rng(0).integers(0, 2, (12, 520)).astype(bool)  # which model knows which label
BOTH = np.union1d(INDEX, HELD_OUT)
TRUE = np.where(np.isin(BOTH, INDEX), BOTH // 3 % 10, 0)
HALVES = Pool(
    np.stack([np.eye(10, dtype=np.float16)[np.where(known, TRUE, (TRUE + 1) % 10)] for known in KNOWN]),
    np.stack([half(520, number) for number in range(12)]),
    BOTH,
    TRUE,
)
WEIGHTS = np.random.default_rng(1).integers(0, 5, 500) / 4
SAMPLES = TrainingSet(LABELS, FINE, INDEX, HELD_OUT, HALVES, WEIGHTS)


def choose(seed: int = 0, samples: TrainingSet = SAMPLES, **fields: Any) -> Selection:
    """Return what a scenario with these fields chooses."""
    return select(read_scenario(fields), samples, seed)


def gone(seed: int = 0, samples: TrainingSet = SAMPLES, **fields: Any) -> np.ndarray:
    """Return which samples are forgotten [N]."""
    return choose(seed, samples, **fields).part >= 0
