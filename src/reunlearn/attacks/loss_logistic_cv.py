"""Loss attack: can a logistic regression tell forget from test by the loss? |cross-validated accuracy − 50|.

Losses are clipped to ±100 (SCRUB's attack, see _cross_validated).
"""

from __future__ import annotations

import numpy as np

from reunlearn.attacks import _cross_validated
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import cross_entropy
from reunlearn.metrics.outputs import Outputs

CLIP = 100.0

CARD = AttackCard(
    name="loss_logistic_cv",
    title="MIA loss",
    compares="the loss of forget samples with that of test samples of the same classes, equally many",
    unit=_cross_validated.UNIT,
    direction="higher is more leakage",
    ideal=_cross_validated.IDEAL,
    source="Kurmanji et al. 2023 (SCRUB), used by ∇τ, whose appendix also gives SCRUB's accuracy",
    cost=_cross_validated.COST,
    least=_cross_validated.FEWEST,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    test_M = cross_entropy(*outputs.unseen_alike())
    forget_N = cross_entropy(outputs.logits["forget"], outputs.labels["forget"])
    forget_N, test_M = (np.clip(losses, -CLIP, CLIP) for losses in (forget_N, test_M))
    return _cross_validated.attack(CARD.name, forget_N, test_M, seed)
