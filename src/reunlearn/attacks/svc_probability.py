"""Probability attack: an SVC on all softmax outputs, taught with retain and test, asked about forget (see _svc).

The scores are the classifier's own distances from its boundary. It was taught with test, so they compare forget with
validation samples, which it never saw.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.confidence import probabilities
from reunlearn.metrics.separation import ranking

CARD = AttackCard(
    name="svc_probability",
    title="MIA probability, SVC",
    compares="a classifier of all softmax outputs on retain against test (the first samples of each, evenly many), "
    "asked about the forget set; its AUC compares forget with validation samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it says how often unseen samples look unlike members",
    column_of="no paper's: SalUn's code computes it beside the confidence attack and prints it nowhere",
    source="Fan et al. 2024 (SalUn), after Song and Mittal 2021",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    found = _svc.features(outputs, probabilities, ("forget", "retain", "test", "validation"))
    model, rows = _svc.fit(found)
    alike = found["validation"][outputs.comparable("validation")]
    member, other = model.decision_function(found["forget"]), model.decision_function(alike)
    value = _svc.non_members(model, found["forget"])
    return AttackResult(value, member, other, {**rows, **ranking(member, other)})
