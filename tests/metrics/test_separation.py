"""AUC, ROC, TPR at low FPR and balanced accuracy against closed forms, scikit-learn and the slow way."""

from __future__ import annotations

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from reunlearn.metrics.separation import METRICS, auc, metrics_of_counts, roc, separation

SCORES = st.lists(st.integers(-3, 3), min_size=1, max_size=12).map(lambda v: np.array(v, dtype=float))


def slow_metrics(member: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Compare every pair, try every threshold, walk along the curve."""
    pairs = member[:, None] - other[None, :]
    thresholds = [np.inf, *np.unique(np.concatenate([member, other]))[::-1]]
    points = [((other >= t).mean(), (member >= t).mean()) for t in thresholds]
    found = {"auc": (pairs > 0).mean() + (pairs == 0).mean() / 2}
    for name, rate in (("tpr_at_fpr_1", 0.01), ("tpr_at_fpr_0_1", 0.001)):
        found[name] = max(true for false, true in points if false <= rate)
    for (false_a, true_a), (false_b, true_b) in pairwise(points):
        if false_a + true_a < 1 <= false_b + true_b + 1e-12:
            share = (1 - false_a - true_a) / (false_b + true_b - false_a - true_a)
            found["balanced_accuracy"] = true_a + share * (true_b - true_a)
    return found


def gaussian(shift: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n scores each from N(shift, 1) and N(0, 1)."""
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, n), rng.normal(0, 1, n)


@given(SCORES, SCORES)
def test_auc_has_the_bits_that_scipys_ranks_give(member: np.ndarray, other: np.ndarray) -> None:
    members, others = len(member), len(other)
    ranks = rankdata(np.concatenate([member, other]))
    expected = (ranks[:members].sum() - members * (members + 1) / 2) / (members * others)
    assert auc(member, other) == expected


@pytest.mark.parametrize("pair", [([], [1.0]), ([1.0], []), ([np.nan, 1.0], [0.0]), ([1.0], [np.nan])])
def test_there_is_no_auc_of_nothing_or_of_what_is_no_number(pair: tuple[list[float], list[float]]) -> None:
    assert np.isnan(auc(*map(np.array, pair)))


def test_auc_equals_the_count_over_all_pairs_with_ties() -> None:
    rng = np.random.default_rng(0)
    member, other = rng.integers(0, 6, 40) + 1, rng.integers(0, 6, 33)
    pairs = member[:, None] - other[None, :]
    assert auc(member, other) == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2, abs=1e-12)


@given(SCORES, SCORES)
def test_area_under_roc_equals_auc(member: np.ndarray, other: np.ndarray) -> None:
    false, true = roc(member, other)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(slow_metrics(member, other)["auc"])


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_metrics_of_a_gaussian_pair(shift: float) -> None:
    """N(s, 1) against N(0, 1): AUC Φ(s/√2), TPR at f Φ(s − Φ⁻¹(1 − f)), both errors alike at Φ(−s/2)."""
    phi, quantile = NormalDist().cdf, NormalDist().inv_cdf
    found = separation(*gaussian(shift, 20_000, 1))
    assert found["auc"] == pytest.approx(phi(shift / 2**0.5), abs=0.01)
    assert found["tpr_at_fpr_1"] == pytest.approx(phi(shift - quantile(0.99)), abs=0.02)
    assert found["tpr_at_fpr_0_1"] == pytest.approx(phi(shift - quantile(0.999)), abs=0.04)
    assert found["balanced_accuracy"] == pytest.approx(phi(shift / 2), abs=0.01)


def test_extremes() -> None:
    low, high = np.arange(10.0), np.arange(10.0) + 100
    assert (auc(high, low), auc(low, high), auc(low, low)) == (1.0, 0.0, 0.5)
    for member, other, expected in ((high, low, [1, 1, 1, 1]), (low, high, [0, 0, 0, 0])):
        found = separation(member, other)
        assert [found[name] for name in METRICS] == expected
        assert [found[f"{name}_{end}"] for name in METRICS for end in ("low", "high")] == np.repeat(
            expected, 2
        ).tolist()
    assert (
        separation(low, low)["balanced_accuracy"]
        == separation(np.ones(3), np.ones(5))["balanced_accuracy"]
        == 0.5
    )


@pytest.mark.parametrize("bad", [np.empty(0), np.array([1.0, np.nan])])
def test_no_score_or_one_that_is_no_number_gives_no_number(bad: np.ndarray) -> None:
    found = separation(bad, np.arange(10.0))
    assert len(found) == 3 * len(METRICS)
    assert all(np.isnan(v) for v in found.values())


@pytest.mark.parametrize("decimals", [1, 9])
def test_metrics_agree_with_scikit_learn(decimals: int) -> None:
    member, other = (side.round(decimals) for side in gaussian(1.0, 700, 3))
    scores, truth = np.concatenate([member, other]), np.repeat([1, 0], 700)
    found = separation(member, other)
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert found["auc"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert found["tpr_at_fpr_1"] == true[false <= 0.01].max()
    assert found["tpr_at_fpr_0_1"] == true[false <= 0.001].max()
    # evenly many of both and no ties: the errors are alike at the median of all scores
    expected = balanced_accuracy_score(truth, scores > np.median(scores))
    assert found["balanced_accuracy"] == pytest.approx(expected, abs=1e-12 if decimals == 9 else 0.01)


@given(SCORES, SCORES)
@settings(deadline=None)
def test_metrics_equal_the_slow_ones(member: np.ndarray, other: np.ndarray) -> None:
    found, slow = separation(member, other), slow_metrics(member, other)
    assert {name: found[name] for name in METRICS} == pytest.approx(slow, abs=1e-12)


@given(SCORES, SCORES, st.integers(0, 9))
@settings(max_examples=50)
def test_metrics_of_counts_equal_those_of_the_repeated_scores(member, other, seed) -> None:
    draw = np.random.default_rng(seed)
    again, others = (draw.choice(side, len(side)) for side in (member, other))
    values = np.unique(np.concatenate([member, other]))[::-1]
    counts = [np.array([[(side == v).sum() for v in values]]) for side in (again, others)]
    found = metrics_of_counts(*counts)
    assert {name: v[0] for name, v in found.items()} == pytest.approx(slow_metrics(again, others), abs=1e-12)


@pytest.mark.parametrize("sizes", [(40, 90), (90, 40)])
def test_intervals_agree_with_the_slow_bootstrap(sizes) -> None:
    draw = np.random.default_rng(1)
    member, other = draw.normal(0.5, 1, sizes[0]).round(1), draw.normal(0, 1, sizes[1]).round(1)
    slow = [
        slow_metrics(draw.choice(member, len(member)), draw.choice(other, len(other))) for _ in range(2000)
    ]
    found = separation(member, other)
    for name, tolerance in (("auc", 0.015), ("balanced_accuracy", 0.02)):
        expected = np.quantile([s[name] for s in slow], [0.025, 0.975])
        assert [found[f"{name}_low"], found[f"{name}_high"]] == pytest.approx(expected, abs=tolerance)
        assert found[f"{name}_high"] - found[f"{name}_low"] > 0.1  # so that the tolerance above could fail


def test_intervals_cover_the_truth_as_often_as_they_claim() -> None:
    truth = {"auc": NormalDist().cdf(0.5**0.5), "balanced_accuracy": NormalDist().cdf(0.5)}
    trials = [separation(*gaussian(1.0, 150, seed)) for seed in range(200)]
    for name, value in truth.items():
        covered = np.mean([t[f"{name}_low"] <= value <= t[f"{name}_high"] for t in trials])
        assert covered == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 200) ** 0.5)
        # control: intervals half as wide would cover 67 %
        half = [abs(t[name] - value) < (t[f"{name}_high"] - t[f"{name}_low"]) / 4 for t in trials]
        assert np.mean(half) < 0.85


def test_the_order_of_scores_does_not_matter_and_the_seed_does() -> None:
    member, other = gaussian(0.5, 50, 5)
    first = separation(member, other)
    assert separation(member[::-1], np.random.default_rng(0).permutation(other)) == first
    assert separation(np.exp(member), np.exp(other)) == first
    another = separation(member, other, seed=1)
    assert another["auc"] == first["auc"]
    assert another["auc_low"] != first["auc_low"]


def test_many_scores_give_in_blocks_what_few_give(monkeypatch: pytest.MonkeyPatch) -> None:
    member, other = gaussian(0.5, 60, 6)
    whole = separation(member, other)
    monkeypatch.setattr("reunlearn.metrics.separation._CELLS", 10)
    one_by_one = separation(member, other)
    assert [one_by_one[n] for n in METRICS] == [whole[n] for n in METRICS]
    assert one_by_one["auc_low"] == pytest.approx(whole["auc_low"], abs=0.02)  # other draws, the same law


def test_tpr_never_exceeds_the_allowed_false_positives() -> None:
    other = np.repeat(
        [0.0, 1.0], [90, 10]
    )  # a tie of ten at the top: no threshold passes just one of a hundred
    assert separation(np.array([1.0, 2.0]), other)["tpr_at_fpr_1"] == 0.5
