"""RMIA: the share of population samples whose likelihood ratio is below that of a sample.

    score(x) = mean_z 1[ r(x) / r(z) > γ ],   r(x) = p_θ(x) / p(x),   p(x) = ((1 + a) · mean_out p_ref(x) + 1 − a) / 2

p is the probability of the true class; mean_out is the mean over the models of the pool 'halves' that did not see the
sample, and a accounts for the models that did (offline form). The population z is half of the validation set, drawn by
the seed; the other half holds the non-members. r(z) is sorted once, so that no pair has to be compared.
"""

from __future__ import annotations

import numpy as np

from reunlearn.attacks import _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import cross_entropy
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

GAMMA = 1.0
A = 0.3

CARD = AttackCard(
    name="rmia",
    title="RMIA",
    compares="forget samples with validation samples of the same classes, by the share of population samples "
    "that have a smaller likelihood ratio",
    unit="% of the forget set called member where 1 % of non-members are",
    direction="higher is more leakage",
    ideal="1, and an AUC of 0.5: a model that never saw forget treats it like validation samples",
    source=f"Zarifzadeh et al. 2024, offline, γ = {GAMMA:g}, a = {A:g}; their column: TPR at 1 % FPR",
    pools=("halves",),
    cost="a pool of models on random halves, once per dataset, network and recipe: 2 and more",
    least={"validation": 2},  # half of them is the population
    sets=("validation",),
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    population_V = population(outputs.index["validation"], seed)
    comparable_V = outputs.comparable("validation") & ~population_V
    if not comparable_V.any() or not population_V.any():
        raise ValueError(
            "rmia needs validation samples of forget's classes besides its population; "
            "hold out more validation samples or leave this attack out"
        )
    ratios_Z = np.sort(_log_ratio(outputs, shadows, "validation", population_V))
    sides = (("forget", slice(None)), ("validation", comparable_V))
    # r(x) / r(z) > γ, strictly: counts the r(z) below r(x) / γ
    member, other = (
        np.searchsorted(ratios_Z, _log_ratio(outputs, shadows, name, rows) - np.log(GAMMA), "left")
        / len(ratios_Z)
        for name, rows in sides
    )
    details = {"population": len(ratios_Z), **separation(member, other)}
    return AttackResult(100.0 * details["tpr_at_fpr_1"], member, other, details)


def population(index_V: np.ndarray, seed: int) -> np.ndarray:
    """Return a mask of half of the validation samples, which depends on their official numbers, not on their order."""
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
        raise ValueError(
            "rmia needs for every sample a shadow model that was not trained with it; "
            "raise 'halves' of 'shadows' in the experiment"
        )
    sum_N = np.zeros(len(labels_N))
    for logits_NK, trained_N in zip(logits_MNK, trained_MN, strict=True):
        sum_N += np.where(trained_N, 0.0, np.exp(-cross_entropy(logits_NK, labels_N)))
    expected_N = ((1 + A) * sum_N / outside_N + (1 - A)) / 2
    return -cross_entropy(outputs.logits[name][rows], labels_N) - np.log(expected_N)
