"""Correctness attack: an SVC on whether the model is right, trained on retain and test, applied to forget (see _svc).

The feature has only two values: where the model is right on most of retain and most of test, all samples are classified
alike.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.confidence import correctness
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="svc_correctness",
    title="MIA correctness, SVC",
    compares="a classifier of right or wrong, trained on retain against test (the first samples of each, equally many) "
    "and applied to forget; its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it tells how often unseen samples do not look like members",
    source="Fan et al. 2024 (SalUn), after Song and Mittal 2021; its code computes it and prints it nowhere",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, correctness, +1.0)
