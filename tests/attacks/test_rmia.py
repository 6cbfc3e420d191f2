"""RMIA against the double loop over samples and population."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks import loss_logistic_cv, rmia
from reunlearn.metrics.outputs import Outputs, Pool
from tests.attacks.synthetic import SIZES, leaky, logits_of


def slow_ratio(outputs: Outputs, pool: Pool, name: str, i: int, a: float) -> float:
    """Return p_θ(x) / p(x) by the definition."""

    def p(logits_K: np.ndarray, label: int) -> float:
        e = np.exp(logits_K.astype(float))
        return float(e[label] / e.sum())

    place, label = list(pool.index).index(outputs.index[name][i]), outputs.labels[name][i]
    outside = [p(z[place], label) for z, m in zip(pool.logits, pool.member, strict=True) if not m[place]]
    return p(outputs.logits[name][i], label) / (((1 + a) * np.mean(outside) + 1 - a) / 2)


@pytest.mark.parametrize(("gamma", "a"), [(1.0, 0.3), (2.0, 0.3), (1.0, 0.0), (1.0, 1.0)])
def test_scores_equal_the_double_loop(gamma, a, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rmia, "GAMMA", gamma)
    monkeypatch.setattr(rmia, "A", a)
    outputs, shadows = leaky(0, sizes={**SIZES, "validation": 60}, models=6)
    pool = shadows.pools["halves"]
    population = rmia.population(outputs.index["validation"], 0)
    assert population.sum() == 30
    rivals = [slow_ratio(outputs, pool, "validation", i, a) for i in np.flatnonzero(population)]

    def scores(name: str, rows: np.ndarray) -> list[float]:
        found = []
        for i in rows:
            own = slow_ratio(outputs, pool, name, i, a)
            found.append(sum(own / rival > gamma for rival in rivals) / len(rivals))
        return found

    result = rmia.run(outputs, shadows, 0)
    others = np.flatnonzero(outputs.comparable("validation") & ~population)
    np.testing.assert_allclose(result.member_scores, scores("forget", np.arange(60)), atol=1e-12)
    np.testing.assert_allclose(result.other_scores, scores("validation", others), atol=1e-12)
    assert result.details["population"] == 30


def test_perfect_none_and_half() -> None:
    outputs, shadows = leaky(1, models=8)
    labels = outputs.labels["forget"]
    areas = []
    for share in (0.0, 0.5, 1.0):  # p = 1 wins against all, p ~ 0 against none
        p = np.where(np.arange(60) % 2 < 2 * share, 1 - 1e-9, 1e-9)
        changed = replace(outputs, logits={**outputs.logits, "forget": logits_of(p, labels)})
        # every shadow model finds every forget sample hard, so that p = 1 is unexpected
        pool = shadows.pools["halves"]
        hard = pool.logits.copy()
        rows = np.isin(pool.index, outputs.index["forget"])
        hard[:, rows] = logits_of(np.full(rows.sum(), 0.001), pool.label[rows])
        found = rmia.run(changed, replace(shadows, pools={"halves": replace(pool, logits=hard)}), 0)
        areas.append(found.details["auc"])
    assert areas == pytest.approx([0.0, 0.5, 1.0], abs=0.02)


def test_a_sample_is_measured_by_what_is_expected_of_it() -> None:
    """Samples of every difficulty: the plain margin tells members less well than RMIA does."""
    sizes = {"forget": 1500, "retain": 10, "validation": 3000, "test": 1500}
    seen, shadows = leaky(2, sizes=sizes)
    area = rmia.run(seen, shadows, 0).details["auc"]
    assert area > loss_logistic_cv.run(seen, None, 0).details["auc"] + 0.05
    unseen, shadows = leaky(2, seen=False, sizes=sizes)
    assert rmia.run(unseen, shadows, 0).details["auc"] == pytest.approx(0.5, abs=0.03)


def test_the_population_follows_numbers_and_seed_not_the_order() -> None:
    index = np.array([3, 9, 1, 7, 5, 8])
    first = rmia.population(index, 0)
    assert first.sum() == 3
    assert set(index[::-1][rmia.population(index[::-1], 0)]) == set(index[first])
    assert any(set(index[rmia.population(index, seed)]) != set(index[first]) for seed in range(1, 6))


def test_population_and_non_members_share_no_sample() -> None:
    outputs, shadows = leaky(3)
    result = rmia.run(outputs, shadows, 0)
    assert len(result.other_scores) + result.details["population"] == SIZES["validation"]


def test_two_models_are_enough_and_a_sample_that_all_saw_is_not() -> None:
    outputs, shadows = leaky(4, models=2)
    assert np.isfinite(rmia.run(outputs, shadows, 0).value)
    pool = shadows.pools["halves"]
    seen = replace(shadows, pools={"halves": replace(pool, member=np.ones_like(pool.member))})
    with pytest.raises(ValueError, match="for every sample a shadow model that was not trained with it"):
        rmia.run(outputs, seen, 0)
    with pytest.raises(ValueError, match="needs the pool 'halves'"):
        rmia.run(outputs, None, 0)
