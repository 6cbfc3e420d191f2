"""Correctness attack: an SVC on whether the model is right, taught with retain and test, asked about forget (see _svc).

Two distinct values: where retain and test are right more often than not, all samples get the same answer.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.confidence import correctness

CARD = AttackCard(
    name="svc_correctness",
    title="MIA correctness, SVC",
    compares="a classifier of being right or wrong on retain against test (the first samples of each, evenly many), "
    "asked about the forget set; its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it says how often unseen samples look unlike members",
    column_of="no paper's: SalUn's code computes it beside the confidence attack and prints it nowhere",
    source="Fan et al. 2024 (SalUn), after Song and Mittal 2021",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, correctness, +1.0)
