"""Entropy attack of ∇τ: can a logistic regression tell forget from test by output entropy? |accuracy − 50|.

∇τ says forget against test, and cites another paper whose code does something else (`entropy_logistic`). This is what
∇τ says, evaluated like its loss attack (see _cross_validated).
"""

from __future__ import annotations

from reunlearn.attacks import _cross_validated
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.classification import entropy

CARD = AttackCard(
    name="entropy_logistic_cv",
    title="MIA entropy, cross-validated",
    compares="the output entropy of forget samples with that of test samples of the same classes, evenly many",
    unit=_cross_validated.UNIT,
    direction="higher is more leakage",
    ideal=_cross_validated.IDEAL,
    column_of="∇τ '|MIA_E − 50|'",
    source="∇τ, section on metrics; classifier and splits as in its loss attack (Kurmanji et al. 2023)",
    cost=_cross_validated.COST,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    alike = outputs.comparable("test")
    found = entropy(outputs.logits["forget"]), entropy(outputs.logits["test"][alike])
    return _cross_validated.attack(CARD.name, *found, seed)
