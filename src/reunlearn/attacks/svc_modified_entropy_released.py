"""Modified-entropy attack as SalUn's code computes it, with two errors; for comparing with its numbers (see _svc).

    −Σ_{k∈L} (1 − p_k) ln p_k − Σ_{k∉L} p_k ln p_k,    L: all labels that occur in the set, not the sample's own

Where every class occurs, a confident model has a HIGH value, nearly −Σ_k ln p_k, so high values count as member scores.
Where a set has few classes, as forget in class removal, its values are on another scale than those of retain and
test.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.confidence import modified_entropy_released
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="svc_modified_entropy_released",
    title="MIA modified entropy as released, SVC",
    compares="a classifier of the released code's modified entropy, trained on retain against test "
    "(the first samples of each, equally many) and applied to forget; "
    "its AUC compares forget with test samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it tells how often unseen samples do not look like members",
    source="Fan et al. 2024 (SalUn), released code, which prints it nowhere",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    return _svc.attack(outputs, modified_entropy_released, +1.0)
