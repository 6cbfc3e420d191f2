"""Entropy attack: a logistic regression on output entropy, trained on retain and test and applied to forget.

Fitted on the evaluated model's own entropies, {retain: member, test: not}; the number is the share of the forget set
that is classified as members. No set is augmented, as in SFR-on; `entropy_logistic_augmented` is that of GDR-GMA.
"""

from __future__ import annotations

from reunlearn.attacks import _entropy_classifier
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="entropy_logistic",
    title="MIA entropy",
    compares="a classifier of output entropy, trained on retain against test and applied to forget; "
    "its AUC compares forget with test samples of the same classes",
    unit="% of the forget set called member",
    direction="higher is more leakage",
    ideal="Retrain's value, not 50: unseen samples can look like members to this classifier",
    source="Chundawat et al. 2023 (bad teaching), used by SFR-on; by GDR-GMA with augmented inputs",
    cost="one logistic regression of one number per sample: below a second",
    headline=True,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    retain_N, test_N, forget_N = (entropy(outputs.logits[name]) for name in ("retain", "test", "forget"))
    other_M = entropy(outputs.unseen_alike()[0])
    return _entropy_classifier.attack(retain_N, test_N, forget_N, other_M)
