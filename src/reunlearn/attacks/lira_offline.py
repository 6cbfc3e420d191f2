"""LiRA, offline: how unusual is a sample's margin for models that were trained without it?

    Λ(x) = (φ(x) − μ_out(x)) / σ_out        φ = ln p_y / (1 − p_y)

The paper's score is Φ(Λ), which ranks alike and saturates. Only those models of the pool 'halves' are used that did not
see a sample, so nothing need be trained once it is known what is to be forgotten.
"""

from __future__ import annotations

from reunlearn.attacks import _gaussians, _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.separation import ranking

CARD = AttackCard(
    name="lira_offline",
    title="LiRA, offline",
    compares="how far forget samples, and validation samples of the same classes, stand above models without them",
    unit="% of the forget set called member where 1 % of non-members are",
    direction="higher is more leakage",
    ideal="1, and an AUC of 0.5: a model that never saw forget tells it from validation no better than by chance",
    column_of="no paper's of the five; Carlini et al. offline 'TPR at 1 % FPR'",
    source="Carlini et al. 2022, section on the offline attack",
    pools=("halves",),
    cost="a pool of models on random halves, once per dataset, network and recipe: 16 or more",
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    found, forget = _shadow_margins.half(outputs, shadows, CARD.name)
    outside = _gaussians.fit(found.shadow, ~found.trained, CARD.name)
    score_N = outside.standardised(found.target)
    member, other = score_N[:forget], score_N[forget:]
    details = ranking(member, other)
    known = {"shadow_models": len(found.shadow), "variance_pooled": float(outside.pooled)}
    return AttackResult(100.0 * details["tpr_at_fpr_1"], member, other, {**known, **details})
