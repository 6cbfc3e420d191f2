"""LiRA, online and offline, against a loop with scipy and on margins that are Gaussian by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from reunlearn.attacks import _gaussians, lira, lira_offline, loss_logistic_cv
from reunlearn.attacks.registry import ShadowPools
from reunlearn.metrics.outputs import Outputs, Pool
from tests.attacks.synthetic import SIZES, leaky, logits_of

MANY = {"forget": 2000, "retain": 50, "validation": 2000, "test": 50}


def margin(logits_K: np.ndarray, label: int) -> float:
    """Return ln p/(1 − p) by the definition."""
    p = np.exp(logits_K.astype(float))
    p = p / p.sum()
    return float(np.log(p[label] / np.delete(p, label).sum()))


def slow(outputs: Outputs, pool: Pool, pooled: bool, offline: bool) -> dict[str, list[float]]:
    """Go through the samples one by one, with scipy's normal distribution."""
    asked = [("forget", i) for i in range(len(outputs.labels["forget"]))]
    asked += [("validation", i) for i in np.flatnonzero(outputs.comparable("validation"))]
    sides: list[tuple[list[float], list[float]]] = []
    for name, i in asked:
        place = list(pool.index).index(outputs.index[name][i])
        found: tuple[list[float], list[float]] = ([], [])
        for model in range(len(pool.logits)):
            own = margin(pool.logits[model, place], pool.label[place])
            found[0 if pool.member[model, place] else 1].append(own)
        sides.append(found)
    deviations = [[np.std(found[side], ddof=1) for found in sides] for side in (0, 1)]
    if pooled:
        for side in (0, 1):
            squares = sum((len(f[side]) - 1) * np.var(f[side], ddof=1) for f in sides)
            degrees = sum(len(f[side]) - 1 for f in sides)
            deviations[side] = [np.sqrt(squares / degrees)] * len(sides)
    scores: dict[str, list[float]] = {"forget": [], "validation": []}
    for at, (name, i) in enumerate(asked):
        own = margin(outputs.logits[name][i], outputs.labels[name][i])
        inside, outside = (norm(np.mean(sides[at][s]), deviations[s][at]) for s in (0, 1))
        score = inside.logpdf(own) - outside.logpdf(own)
        if offline:  # the paper's Φ, taken back; from the side where it is not rounded to 1
            above = own > outside.mean()
            score = norm.isf(outside.sf(own)) if above else norm.ppf(outside.cdf(own))
        scores[name].append(float(score))
    return scores


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("attack", [lira, lira_offline])
def test_scores_equal_the_slow_loop(attack, pooled, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, shadows = leaky(0, sizes={**SIZES, "validation": 40}, models=6)
    monkeypatch.setattr(_gaussians, "PER_SAMPLE", 32 if pooled else 3)
    result = attack.run(outputs, shadows, 0)
    expected = slow(outputs, shadows.pools["halves"], pooled, attack is lira_offline)
    np.testing.assert_allclose(result.member_scores, expected["forget"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(result.other_scores, expected["validation"], rtol=1e-6, atol=1e-6)
    assert result.details["variance_pooled"] == pooled
    assert result.value == 100 * result.details["tpr_at_fpr_1"]


def test_auc_of_gaussian_margins_is_the_closed_form() -> None:
    """Λ offline is N(gap, 1 + 1/m) for members and N(0, 1 + 1/m) for others, m OUT models; online nears Φ(gap/√2)."""
    gap, models = 1.5, 64
    outputs, shadows = leaky(1, gap, sizes=MANY, models=models)
    offline = lira_offline.run(outputs, shadows, 0).details["auc"]
    assert offline == pytest.approx(norm.cdf(gap / np.sqrt(2 * (1 + 2 / models))), abs=0.02)
    online = lira.run(outputs, shadows, 0).details["auc"]
    assert online == pytest.approx(norm.cdf(gap / np.sqrt(2)), abs=0.02)
    # control: without each sample's own difficulty, ~ N(0, 2²), the margin alone tells far less
    both = replace(outputs, logits={**outputs.logits, "test": outputs.logits["validation"]})
    both = replace(both, labels={**both.labels, "test": both.labels["validation"]})
    plain = loss_logistic_cv.run(both, None, 0).details["auc"]
    assert plain == pytest.approx(norm.cdf(gap / np.sqrt(2 * (1 + 4))), abs=0.02)


@pytest.mark.parametrize("attack", [lira, lira_offline])
def test_perfect_none_and_half(attack) -> None:
    found = {}
    for seen in (True, False):
        outputs, shadows = leaky(2, gap=14.0, seen=seen, models=8)
        found[seen] = outputs
    assert attack.run(found[True], shadows, 0).details["auc"] == pytest.approx(1.0, abs=1e-3)
    assert attack.run(found[True], shadows, 0).value > 95
    assert attack.run(found[False], shadows, 0).details["auc"] == pytest.approx(0.5, abs=0.1)
    every_other = (np.arange(60) % 2 == 0)[:, None]
    mixed = np.where(every_other, found[True].logits["forget"], found[False].logits["forget"])
    half = replace(found[True], logits={**found[True].logits, "forget": mixed})
    assert attack.run(half, shadows, 0).details["auc"] == pytest.approx(0.75, abs=0.08)


def test_few_models_share_a_variance_which_ranks_better() -> None:
    """What the threshold PER_SAMPLE is for: with four models a side, variances per sample cost AUC."""
    outputs, shadows = leaky(3, sizes=MANY, models=8)
    shared = lira.run(outputs, shadows, 0).details["auc"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_gaussians, "PER_SAMPLE", 2)
        own = lira.run(outputs, shadows, 0)
    assert own.details["variance_pooled"] == 0
    assert shared > own.details["auc"] + 0.02


def test_models_all_alike_leave_finite_scores() -> None:
    outputs, shadows = leaky(5, models=4)
    pool = shadows.pools["halves"]
    alike = replace(pool, logits=np.repeat(pool.logits[:1], 4, axis=0))
    for attack in (lira, lira_offline):
        result = attack.run(outputs, replace(shadows, pools={"halves": alike}), 0)
        assert np.isfinite(result.member_scores).all()


@pytest.mark.parametrize("attack", [lira, lira_offline])
def test_what_is_missing_is_said(attack) -> None:
    outputs, shadows = leaky(6, models=2)
    with pytest.raises(ValueError, match="needs 2 shadow models of each side for every sample, not 1"):
        attack.run(outputs, shadows, 0)
    for nothing in (None, ShadowPools({}, shadows.reference)):
        with pytest.raises(ValueError, match=r"needs the pool 'halves'.*add 'shadows'"):
            attack.run(outputs, nothing, 0)
    strange = replace(outputs, index={**outputs.index, "forget": outputs.index["forget"] + 10_000})
    with pytest.raises(ValueError, match="not in the pool"):
        attack.run(strange, shadows, 0)


def test_margins_far_out_are_finite() -> None:
    outputs, shadows = leaky(7)
    sure = logits_of(np.full(60, 1 - 1e-12), outputs.labels["forget"]) * 2000
    result = lira.run(replace(outputs, logits={**outputs.logits, "forget": sure}), shadows, 0)
    assert np.isfinite(result.member_scores).all()
