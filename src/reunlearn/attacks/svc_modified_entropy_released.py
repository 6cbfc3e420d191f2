"""Modified-entropy attack as SalUn's code has it, wrong twice; for comparison with numbers of that code (see _svc).

    −Σ_{k∈L} (1 − p_k) ln p_k − Σ_{k∉L} p_k ln p_k,    L: all labels that occur in the set, not the sample's own

Where every class occurs, a sure model has a HIGH value, nearly −Σ_k ln p_k, so here high values score as members.
Where a set has few classes, as forget in class removal, its values are on another scale than those of retain and
test.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.confidence import modified_entropy_released

CARD = AttackCard(
    name="svc_modified_entropy_released",
    title="MIA modified entropy as released, SVC",
    compares="a classifier of the released code's modified entropy on retain against test "
    "(the first samples of each, evenly many), asked about the forget set; "
    "its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it says how often unseen samples look unlike members",
    column_of="no paper's: SalUn's code computes it beside the confidence attack and prints it nowhere",
    source="Fan et al. 2024 (SalUn), released code",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, modified_entropy_released, +1.0)
