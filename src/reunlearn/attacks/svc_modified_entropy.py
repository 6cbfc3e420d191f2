"""Modified-entropy attack: an SVC on the entropy that knows the label, taught with retain and test (see _svc).

    −(1 − p_y) ln p_y − Σ_{k≠y} p_k ln(1 − p_k)

This is the formula of Song and Mittal; what SalUn's code computes instead is `svc_modified_entropy_released`.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.confidence import modified_entropy

CARD = AttackCard(
    name="svc_modified_entropy",
    title="MIA modified entropy, SVC",
    compares="a classifier of modified entropy on retain against test (the first samples of each, evenly many), "
    "asked about the forget set; its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it says how often unseen samples look unlike members",
    column_of="no paper's: SalUn's code means it and computes another one",
    source="Song and Mittal 2021, Eq. 5; classifier of Fan et al. 2024 (SalUn)",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, modified_entropy, -1.0)
