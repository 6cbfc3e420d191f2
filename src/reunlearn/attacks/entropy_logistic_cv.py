"""Entropy attack of ∇τ: can a logistic regression tell forget from test by output entropy? |accuracy − 50|.

∇τ describes a classifier of forget against test, but cites a paper whose code does something else (`entropy_logistic`).
This file follows ∇τ's text and is evaluated like its loss attack (see _cross_validated).
"""

from __future__ import annotations

from reunlearn.attacks import _cross_validated
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="entropy_logistic_cv",
    title="MIA entropy, cross-validated",
    compares="the output entropy of forget samples with that of test samples of the same classes, equally many",
    unit=_cross_validated.UNIT,
    direction="higher is more leakage",
    ideal=_cross_validated.IDEAL,
    source="∇τ, section on metrics; classifier and splits as in its loss attack (Kurmanji et al. 2023)",
    cost=_cross_validated.COST,
    least=_cross_validated.FEWEST,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    forget_N = entropy(outputs.logits["forget"])
    test_M = entropy(outputs.unseen_alike()[0])
    return _cross_validated.attack(CARD.name, forget_N, test_M, seed)
