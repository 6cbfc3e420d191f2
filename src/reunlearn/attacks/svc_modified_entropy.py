"""Modified-entropy attack: an SVC on an entropy that uses the label, trained on retain and test (see _svc).

    −(1 − p_y) ln p_y − Σ_{k≠y} p_k ln(1 − p_k)

This is the formula of Song and Mittal; what SalUn's code computes instead is `svc_modified_entropy_released`.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.confidence import modified_entropy
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="svc_modified_entropy",
    title="MIA modified entropy, SVC",
    compares="a classifier of modified entropy, trained on retain against test (the first samples of each, equally "
    "many) and applied to forget; its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it tells how often unseen samples do not look like members",
    source="Song and Mittal 2021, Eq. 5; classifier of Fan et al. 2024 (SalUn), whose code means this one",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, modified_entropy, -1.0)
