"""Probability attack: an SVC on all softmax outputs, trained on retain and test and applied to forget (see _svc).

The scores are the values of the classifier's decision function. It is trained on test, so they compare forget with
validation samples, which it never saw.
"""

from __future__ import annotations

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import softmax
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

CARD = AttackCard(
    name="svc_probability",
    title="MIA probability, SVC",
    compares="a classifier of all softmax outputs, trained on retain against test (the first samples of each, equally "
    "many) and applied to forget; its AUC compares forget with validation samples of the same classes",
    unit=_svc.UNIT,
    direction=_svc.DIRECTION,
    ideal="Retrain's value: it tells how often unseen samples do not look like members",
    source="Fan et al. 2024 (SalUn), after Song and Mittal 2021; its code computes it and prints it nowhere",
    cost=_svc.COST,
    ordered=_svc.ORDERED,
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    sets = ("forget", "retain", "test", "validation")
    x = _svc.features(outputs, lambda z_NK, y_N: softmax(z_NK), sets)
    classifier, rows = _svc.fit(x)
    comparable = x["validation"][outputs.comparable("validation")]
    member, other = _svc.decisions(classifier, x["forget"]), _svc.decisions(classifier, comparable)
    return AttackResult(_svc.non_members(member), member, other, {**rows, **separation(member, other)})
