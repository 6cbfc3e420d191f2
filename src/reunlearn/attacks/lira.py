"""LiRA, online: is a sample's margin more likely under models that were trained with it, or without?

    Λ(x) = ln N(φ(x); μ_in(x), σ_in²) − ln N(φ(x); μ_out(x), σ_out²)        φ = ln p_y / (1 − p_y)

The pool 'halves' has models of both kinds for every sample; with few models all samples share one variance
(_gaussians). Non-members are validation samples. A shadow model is trained on half of training and validation set, the
evaluated model on the whole training set. This affects both kinds of samples equally, so the comparison stays fair, but
Λ = 0 does not separate members from non-members.
"""

from __future__ import annotations

from reunlearn.attacks import _gaussians, _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

CARD = AttackCard(
    name="lira",
    title="LiRA",
    compares="per-sample likelihood ratios of forget with those of validation samples of the same classes",
    unit="% of the forget set called member where 1 % of non-members are",
    direction="higher is more leakage",
    ideal="1, and an AUC of 0.5: a model that never saw forget treats it like validation samples",
    source="Carlini et al. 2022, Algorithm 1, one query per sample; their column: TPR at 1 % FPR",
    pools=("halves",),
    cost="a pool of models on random halves, once per dataset, network and recipe: 16 or more",
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    margins, count = _shadow_margins.of_halves(outputs, shadows, CARD.name)
    inside = _gaussians.fit(margins.shadow, margins.trained, CARD.name)
    outside = _gaussians.fit(margins.shadow, ~margins.trained, CARD.name)
    ratio_N = inside.log_density(margins.target) - outside.log_density(margins.target)
    member, other = ratio_N[:count], ratio_N[count:]
    metrics = separation(member, other)
    pool = {"shadow_models": len(margins.shadow), "variance_pooled": float(inside.pooled or outside.pooled)}
    return AttackResult(100.0 * metrics["tpr_at_fpr_1"], member, other, {**pool, **metrics})
