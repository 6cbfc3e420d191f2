"""Confidence attack: an SVC on p(true class), trained on retain and test and applied to forget (see _svc).

The number is the share of forget that is NOT classified as a member.
"""

from __future__ import annotations

import numpy as np

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import cross_entropy
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="confidence_svc",
    title="MIA confidence",
    compares="a classifier of p(true class), trained on retain against test (the first samples of each, equally many) "
    "and applied to forget; its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: 100 only where whole classes are forgotten",
    source="Fan et al. 2024 (SalUn: 'MIA'), after Song and Mittal 2021; used by LUR",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, lambda z_NK, y_N: np.exp(-cross_entropy(z_NK, y_N)), +1.0)
