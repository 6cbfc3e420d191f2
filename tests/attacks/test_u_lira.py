"""U-LiRA against a loop with scipy, and on margins that are Gaussian by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from reunlearn.attacks import _gaussians, u_lira
from reunlearn.attacks._shadow_margins import of_models
from tests.attacks.synthetic import leaky, logits_of

MANY = {"forget": 2000, "retain": 5, "validation": 5, "test": 5}


def half_way(seed: int, gap: float, models: int = 32, sizes: dict[str, int] = MANY):
    """Return an evaluated model that unlearned half of the gap, as the pool did, and the pools."""
    unseen, shadows = leaky(seed, gap, seen=False, sizes=sizes, models=models)
    labels = unseen.labels["forget"]
    margin = of_models(unseen.logits["forget"][None], labels)[0] + gap / 2
    logits = {**unseen.logits, "forget": logits_of(1 / (1 + np.exp(-margin)), labels)}
    return replace(unseen, logits=logits), shadows


@pytest.mark.parametrize("pooled", [True, False])
def test_scores_and_per_example_accuracy_equal_the_slow_loops(pooled, monkeypatch) -> None:
    monkeypatch.setattr(_gaussians, "PER_SAMPLE", 32 if pooled else 2)
    outputs, shadows = half_way(0, 2.0, models=5, sizes={**MANY, "forget": 12})
    labels = outputs.labels["forget"]
    pools = [of_models(shadows.pools[k].of(outputs.index["forget"])[0], labels) for k in u_lira.SIDES]

    def ratio(margin: np.ndarray, unlearned: np.ndarray, outside: np.ndarray) -> list[float]:
        spread = [np.std(side, axis=0, ddof=1) for side in (unlearned, outside)]
        if pooled:
            spread = [np.full(12, np.sqrt((s**2).mean())) for s in spread]
        return [
            norm(unlearned[:, i].mean(), spread[0][i]).logpdf(margin[i])
            - norm(outside[:, i].mean(), spread[1][i]).logpdf(margin[i])
            for i in range(12)
        ]

    result = u_lira.run(outputs, shadows, 0)
    targets = of_models(np.stack([outputs.logits["forget"], shadows.reference]), labels)
    np.testing.assert_allclose(result.member_scores, ratio(targets[0], *pools), rtol=1e-7)
    np.testing.assert_allclose(result.other_scores, ratio(targets[1], *pools), rtol=1e-7)
    right = np.zeros(12)
    for out in range(5):
        without = [np.delete(pool, out, axis=0) for pool in pools]
        right += np.array(ratio(pools[0][out], without[0], pools[1])) > 0
        right += np.array(ratio(pools[1][out], pools[0], without[1])) <= 0
    np.testing.assert_allclose(u_lira.per_example(*pools), right / 10, atol=1e-12)
    assert result.details["example_accuracy_mean"] == pytest.approx(10 * right.mean())


def test_accuracy_and_auc_of_a_gaussian_pair() -> None:
    """N(d + g/2, 1) against N(d, 1) with many models: accuracy Φ(g/4), AUC Φ(g/2√2)."""
    outputs, shadows = half_way(1, gap=3.0, models=64)
    result = u_lira.run(outputs, shadows, 0)
    assert result.value == pytest.approx(100 * norm.cdf(0.75), abs=2)
    assert result.details["auc"] == pytest.approx(norm.cdf(1.5 / 2**0.5), abs=0.02)
    assert result.details["example_accuracy_mean"] == pytest.approx(100 * norm.cdf(0.75), abs=1)


def test_unlearned_like_never_seen_gives_50() -> None:
    outputs, shadows = half_way(2, gap=0.0)
    result = u_lira.run(outputs, shadows, 0)
    assert result.value == pytest.approx(50, abs=3)
    assert result.details["example_accuracy_mean"] == pytest.approx(50, abs=1)


def test_a_model_equal_to_the_reference_gives_50_exactly() -> None:
    outputs, shadows = half_way(3, gap=2.0)
    same = replace(outputs, logits={**outputs.logits, "forget": shadows.reference})
    result = u_lira.run(same, shadows, 0)
    assert (result.value, result.details["auc"]) == (50.0, 0.5)


def test_nothing_unlearned_is_told_apart() -> None:
    outputs, shadows = half_way(4, gap=20.0, models=8)
    result = u_lira.run(outputs, shadows, 0)
    assert result.value == pytest.approx(100, abs=0.5)
    assert result.details["example_accuracy_exposed"] == 100


def test_a_few_exposed_examples_show_where_the_mean_hides_them() -> None:
    outputs, shadows = half_way(5, gap=0.0, models=16)
    pool = shadows.pools["unlearned"]
    logits = pool.logits.copy()
    exposed = np.isin(pool.index, outputs.index["forget"][:200])  # a tenth is remembered by all models
    logits[:, exposed] = logits_of(np.full(200, 1 - 1e-4), pool.label[exposed])
    changed = replace(shadows, pools={**shadows.pools, "unlearned": replace(pool, logits=logits)})
    details = u_lira.run(outputs, changed, 0).details
    assert details["example_accuracy_mean"] < 60
    assert details["example_accuracy_exposed"] > 95
    assert u_lira.run(outputs, shadows, 0).details["example_accuracy_exposed"] < 75  # control: nobody exposed


def test_two_models_a_side_are_the_fewest_and_three_for_an_accuracy_per_example() -> None:
    found = {models: u_lira.run(*half_way(6, gap=1.0, models=models), 0).details for models in (2, 3)}
    assert (found[2]["unlearned_models"], found[2]["without_forget_models"]) == (2, 2)
    assert set(found[3]) - set(found[2]) == {"example_accuracy_mean", "example_accuracy_exposed"}
    with pytest.raises(ValueError, match="u_lira needs 2 shadow models of each side for every sample, not 1"):
        u_lira.run(*half_way(6, gap=1.0, models=1), 0)
    with pytest.raises(ValueError, match="needs the pool 'unlearned'"):
        u_lira.run(half_way(6, gap=1.0, models=2)[0], None, 0)
