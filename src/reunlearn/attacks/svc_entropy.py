"""Entropy attack of SalUn's code: an SVC on output entropy, taught with retain and test (see _svc)."""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.classification import entropy

CARD = AttackCard(
    name="svc_entropy",
    title="MIA entropy, SVC",
    compares="a classifier of output entropy on retain against test (the first samples of each, evenly many), "
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
    return _svc.attack(outputs, lambda z_NK, y_N: entropy(z_NK), -1.0)
