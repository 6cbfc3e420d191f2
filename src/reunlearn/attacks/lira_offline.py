"""LiRA, offline: how unusual is a sample's margin for models that were trained without it?

    Λ(x) = (φ(x) − μ_out(x)) / σ_out        φ = ln p_y / (1 − p_y)

The paper's score is Φ(Λ), which gives the same order of samples but saturates. For each sample only those models of the
pool 'halves' are used that were not trained with it, so no model has to be trained for a particular forget set.
"""

from __future__ import annotations

from reunlearn.attacks import _gaussians, _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

CARD = AttackCard(
    name="lira_offline",
    title="LiRA, offline",
    compares="how far the margins of forget samples, and of validation samples of the same classes, "
    "lie above those of models trained without them",
    unit="% of the forget set called member where 1 % of non-members are",
    direction="higher is more leakage",
    ideal="1, and an AUC of 0.5: a model that never saw forget treats it like validation samples",
    source="Carlini et al. 2022, section on the offline attack; their column: TPR at 1 % FPR",
    pools=("halves",),
    cost="a pool of models on random halves, once per dataset, network and recipe: 16 or more",
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    margins, count = _shadow_margins.of_halves(outputs, shadows, CARD.name)
    outside = _gaussians.fit(margins.shadow, ~margins.trained, CARD.name)
    score_N = outside.standardised(margins.target)
    member, other = score_N[:count], score_N[count:]
    metrics = separation(member, other)
    pool = {"shadow_models": len(margins.shadow), "variance_pooled": float(outside.pooled)}
    return AttackResult(100.0 * metrics["tpr_at_fpr_1"], member, other, {**pool, **metrics})
