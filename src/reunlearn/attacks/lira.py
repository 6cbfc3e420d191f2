"""LiRA, online: is a sample's margin more likely under models that were trained with it, or without?

    Λ(x) = ln N(φ(x); μ_in(x), σ_in²) − ln N(φ(x); μ_out(x), σ_out²)        φ = ln p_y / (1 − p_y)

The pool 'halves' has models of both kinds for every sample; variances are shared where models are few (_gaussians).
Non-members are validation samples. The shadow models see half of training and validation set and the evaluated model
the whole training set: both kinds of samples meet the same mismatch, so the comparison stays fair, but 0 is no
threshold.
"""

from __future__ import annotations

from reunlearn.attacks import _gaussians, _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.separation import ranking

CARD = AttackCard(
    name="lira",
    title="LiRA",
    compares="per-sample likelihood ratios of forget with those of validation samples of the same classes",
    unit="% of the forget set called member where 1 % of non-members are",
    direction="higher is more leakage",
    ideal="1, and an AUC of 0.5: a model that never saw forget tells it from validation no better than by chance",
    column_of="no paper's of the five; Carlini et al. 'TPR at 1 % FPR'",
    source="Carlini et al. 2022, Algorithm 1, one query per sample",
    pools=("halves",),
    cost="a pool of models on random halves, once per dataset, network and recipe: 16 or more",
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    found, forget = _shadow_margins.half(outputs, shadows, CARD.name)
    inside = _gaussians.fit(found.shadow, found.trained, CARD.name)
    outside = _gaussians.fit(found.shadow, ~found.trained, CARD.name)
    ratio_N = inside.log_density(found.target) - outside.log_density(found.target)
    member, other = ratio_N[:forget], ratio_N[forget:]
    details = ranking(member, other)
    known = {"shadow_models": len(found.shadow), "variance_pooled": float(inside.pooled or outside.pooled)}
    return AttackResult(100.0 * details["tpr_at_fpr_1"], member, other, {**known, **details})
