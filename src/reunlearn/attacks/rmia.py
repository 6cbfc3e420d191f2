"""RMIA: against how many population samples does a sample win, by how much better it is known than expected?

    score(x) = mean_z 1[ r(x) / r(z) > γ ],   r(x) = p_θ(x) / p(x),   p(x) = ((1 + a) · mean_out p_ref(x) + 1 − a) / 2

p is the probability of the true class; mean_out goes over the models of the pool 'halves' that did not see the sample,
and a stands in for those that did (offline form). The population z is half of the validation set, drawn by the seed;
the other half holds the non-members. Sorting r(z) once replaces the pairs.
"""

from __future__ import annotations

import numpy as np

from reunlearn.attacks import _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.classification import cross_entropy
from reunlearn.metrics.separation import ranking

GAMMA = 1.0
A = 0.3

CARD = AttackCard(
    name="rmia",
    title="RMIA",
    compares="the share of population samples that forget samples win against with that of validation samples "
    "of the same classes",
    unit="% of the forget set called member where 1 % of non-members are",
    direction="higher is more leakage",
    ideal="1, and an AUC of 0.5: a model that never saw forget tells it from validation no better than by chance",
    column_of="no paper's of the five; Zarifzadeh et al. 'TPR at 1 % FPR'",
    source=f"Zarifzadeh et al. 2024, offline, γ = {GAMMA:g}, a = {A:g}",
    pools=("halves",),
    cost="a pool of models on random halves, once per dataset, network and recipe: 2 and more",
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    population_V = population(outputs.index["validation"], seed)
    alike_V = outputs.comparable("validation") & ~population_V
    if not alike_V.any() or not population_V.any():
        raise ValueError("rmia needs validation samples of forget's classes besides its population")
    rival = np.sort(_log_ratio(outputs, shadows, "validation", population_V))
    asked = (("forget", slice(None)), ("validation", alike_V))
    # strictly more than γ times: those whose ratio lies below r(x) / γ
    member, other = (
        np.searchsorted(rival, _log_ratio(outputs, shadows, name, rows) - np.log(GAMMA), "left") / len(rival)
        for name, rows in asked
    )
    details = ranking(member, other)
    return AttackResult(100.0 * details["tpr_at_fpr_1"], member, other, {"population": len(rival), **details})


def population(index_V: np.ndarray, seed: int) -> np.ndarray:
    """Return a mask of half of the validation samples; which, depends on their official numbers, not on their order."""
    drawn = np.random.default_rng(seed).permutation(np.sort(index_V))[: len(index_V) // 2]
    return np.isin(index_V, drawn)


def _log_ratio(
    outputs: Outputs, shadows: ShadowPools | None, name: str, rows: np.ndarray | slice
) -> np.ndarray:
    """Return ln r of some samples of a set."""
    labels_N = outputs.labels[name][rows]
    logits_MNK, trained_MN = _shadow_margins.answers(shadows, "halves", outputs.index[name][rows], CARD.name)
    outside_N = (~trained_MN).sum(axis=0)
    if not outside_N.all():
        raise ValueError("rmia needs a shadow model that did not see a sample, for every sample")
    sum_N = np.zeros(len(labels_N))
    for logits_NK, trained_N in zip(logits_MNK, trained_MN, strict=True):
        sum_N += np.where(trained_N, 0.0, np.exp(-cross_entropy(logits_NK, labels_N)))
    expected_N = ((1 + A) * sum_N / outside_N + (1 - A)) / 2
    return -cross_entropy(outputs.logits[name][rows], labels_N) - np.log(expected_N)
