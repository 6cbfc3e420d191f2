"""Entropy attack of GDR-GMA: retain and forget under the training augmentation, test without.

As `entropy_logistic`, but the released code reads forget and retain with the loaders of training, whose augmentation is
on; the test loader has none. One seeded draw per image. Where a recipe augments nothing, the two attacks are one.
"""

from __future__ import annotations

from reunlearn.attacks import _entropy_classifier
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.outputs import Outputs

CARD = AttackCard(
    name="entropy_logistic_augmented",
    title="MIA entropy, augmented",
    compares="a classifier of output entropy, trained on augmented retain against plain test samples and applied to "
    "augmented forget samples; its AUC compares these with test samples of the same classes",
    unit="% of the forget set called member",
    direction="higher is more leakage",
    ideal="Retrain's value, not 50: unseen samples can look like members to this classifier",
    source="released code of GDR-GMA, which leaves the augmentation on; otherwise Chundawat et al. 2023",
    cost="one logistic regression of one number per sample: below a second",
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    entropies = {name: entropy(outputs.logits[name]) for name in ("retain", "test", "forget")}
    entropies |= outputs.augmented_entropy
    retain_N, test_N, forget_N = (entropies[name] for name in ("retain", "test", "forget"))
    other_M = entropy(outputs.unseen_alike()[0])
    return _entropy_classifier.attack(retain_N, test_N, forget_N, other_M)
