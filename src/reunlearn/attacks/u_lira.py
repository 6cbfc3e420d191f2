"""U-LiRA: for each forget sample, did this model learn and unlearn it, or never see it?

    Λ(x) = ln N(φ(x); μ_unlearned(x), σ_unlearned²) − ln N(φ(x); μ_outside(x), σ_outside²)        φ = ln p_y / (1 − p_y)

The Gaussians come from originals that unlearned forget with the evaluated method (pool 'unlearned') and from models
that never saw it (pool 'without_forget'). Neither the evaluated model (member) nor the retrained reference (other) is
in a pool. Right answers are Λ > 0 for the first and Λ ≤ 0 for the second; each gives half of all answers, so the
accuracy is balanced. Per example: each model of both pools in turn is left out of the fit and attacked; the details
give the accuracy for the average example and for the most exposed twentieth, which an average over examples hides.
"""

from __future__ import annotations

import numpy as np

from reunlearn.attacks import _gaussians, _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

SIDES = ("unlearned", "without_forget")
EXPOSED = 0.95  # quantile of examples

CARD = AttackCard(
    name="u_lira",
    title="U-LiRA",
    compares="forget as the evaluated model sees it with forget as a retrained model sees it, sample by sample",
    unit="% of right answers to 'unlearned or never seen?', equally many of both",
    direction="higher is more leakage",
    ideal="50: unlearned samples look as if never seen; Retrain with another seed is at 50 too",
    source="Hayes et al. 2024, per-example attack; their column: accuracy of U-LiRA",
    pools=SIDES,
    cost="a pool of originals, each unlearned with the evaluated method and settings, and one of retrained models",
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model; per example too if both pools have three models or more, because one of them is left out."""
    labels_N, index_N = outputs.labels["forget"], outputs.index["forget"]
    pools = [
        _shadow_margins.of_models(_shadow_margins.answers(shadows, kind, index_N, CARD.name)[0], labels_N)
        for kind in SIDES
    ]
    assert shadows is not None  # else `answers` would have raised
    fits = [_gaussians.fit(pool, np.ones(pool.shape, dtype=bool), CARD.name) for pool in pools]
    targets_2NK = np.stack([outputs.logits["forget"], shadows.retrained(CARD.name)]).astype(np.float64)
    member, other = (
        fits[0].log_density(margin_N) - fits[1].log_density(margin_N)
        for margin_N in _shadow_margins.of_models(targets_2NK, labels_N)
    )
    right = float((member > 0).mean() + (other <= 0).mean()) / 2
    details = {f"{kind}_models": float(len(pool)) for kind, pool in zip(SIDES, pools, strict=True)}
    details["variance_pooled"] = float(fits[0].pooled or fits[1].pooled)
    if min(map(len, pools)) > _gaussians.LEAST:
        accuracy_N = per_example(*pools)
        details["example_accuracy_mean"] = 100.0 * float(accuracy_N.mean())
        details["example_accuracy_exposed"] = 100.0 * float(np.quantile(accuracy_N, EXPOSED))
    return AttackResult(100.0 * right, member, other, {**details, **separation(member, other)})


def per_example(unlearned_AN: np.ndarray, outside_BN: np.ndarray) -> np.ndarray:
    """Return each example's share of right answers [N] over all models, each fitted without itself."""
    full = [
        _gaussians.fit(side, np.ones(side.shape, dtype=bool), "u_lira") for side in (unlearned_AN, outside_BN)
    ]
    member_AN = _without_itself(unlearned_AN) - full[1].log_density(unlearned_AN)
    other_BN = full[0].log_density(outside_BN) - _without_itself(outside_BN)
    return ((member_AN > 0).mean(axis=0) + (other_BN <= 0).mean(axis=0)) / 2


def _without_itself(margins_MN: np.ndarray) -> np.ndarray:
    """Return the log-density [M, N] of each model's margins under Gaussians fitted to the other models.

    Leaving out one of M values changes the mean by −residual/(M − 1), the sum of squares by −residual² M/(M − 1).
    """
    models, samples = margins_MN.shape
    residual_MN = margins_MN - margins_MN.mean(axis=0)
    mean_MN = margins_MN.mean(axis=0) - residual_MN / (models - 1)
    squares_MN = (residual_MN**2).sum(axis=0) - residual_MN**2 * models / (models - 1)
    count_N = np.full(samples, models - 1)
    fits = [
        _gaussians.Gaussians(mean_N, *_gaussians.variance(squares_N, count_N))
        for mean_N, squares_N in zip(mean_MN, squares_MN, strict=True)
    ]
    return np.stack([fit.log_density(margin_N) for fit, margin_N in zip(fits, margins_MN, strict=True)])
