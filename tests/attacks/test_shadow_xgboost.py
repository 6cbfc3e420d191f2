"""The shadow attack on pools whose difference is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks import shadow_xgboost
from reunlearn.attacks.shadow_xgboost import run
from reunlearn.metrics.outputs import Outputs
from tests.attacks.synthetic import SIZES, leaky, logits_of, never_saw, noisy, pools


def target(p: np.ndarray) -> Outputs:
    """Return outputs of a model with these probabilities on forget."""
    base = never_saw()
    return replace(base, logits={**base.logits, "forget": logits_of(p, base.labels["forget"])})


def test_a_model_that_remembers_is_told_apart_fully() -> None:
    outputs = target(np.full(60, 0.95))
    result = run(outputs, pools(outputs, 0.95, 0.5), 0)
    assert result.value == result.details["auc"] == 1.0
    assert (result.details["training_models"], result.details["training_rows"]) == (16, 960)


def test_half_remembered_gives_three_quarters() -> None:
    """Half the samples score above every other one, half exactly like them: ½·1 + ½·½."""
    outputs = target(np.where(np.arange(60) % 2 == 0, 0.95, 0.5))
    shadows = pools(outputs, 0.95, 0.5)
    shadows = replace(shadows, reference=logits_of(np.full(60, 0.5), outputs.labels["forget"]))
    assert run(outputs, shadows, 0).value == pytest.approx(0.75, abs=0.05)


def test_a_model_equal_to_the_reference_gives_one_half_exactly() -> None:
    """The paper's ideal, by construction: member and other rows have the same scores."""
    outputs = noisy(0)
    shadows = replace(pools(outputs, 0.9, 0.5), reference=outputs.logits["forget"])
    assert run(outputs, shadows, 0).value == 0.5


def test_a_model_that_never_saw_forget_gives_about_one_half() -> None:
    values = []
    for seed in range(5):
        outputs = target(np.random.default_rng(100 + seed).uniform(0.48, 0.52, 60))
        values.append(run(outputs, pools(outputs, 0.6, 0.5, seed=seed), 0).value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_the_order_of_shadow_models_does_not_matter() -> None:
    outputs = noisy(0)
    shadows = pools(outputs, 0.7, 0.65)
    orders = {"with_forget": [7, 6, 5, 4, 3, 2, 1, 0], "without_forget": [3, 1, 0, 2, 7, 6, 5, 4]}
    moved = {k: replace(pool, logits=pool.logits[orders[k]]) for k, pool in shadows.pools.items()}
    shuffled = replace(shadows, pools=moved)
    np.testing.assert_array_equal(
        run(outputs, shadows, 0).member_scores, run(outputs, shuffled, 0).member_scores
    )


def test_from_ten_models_a_side_a_tenth_validates_and_a_tenth_is_held_out() -> None:
    outputs = target(np.full(60, 0.95))
    details = run(outputs, pools(outputs, 0.95, 0.5, models=20), 0).details
    assert (details["training_models"], details["training_rows"]) == (32, 32 * 60)
    assert details["validation_f1"] == details["held_out_auc"] == details["auc"] == 1.0
    fewer = run(outputs, pools(outputs, 0.95, 0.5, models=9), 0).details
    assert fewer["training_models"] == 18
    assert not {"validation_f1", "held_out_auc"} & set(fewer)
    assert fewer["max_depth"] == shadow_xgboost.DEPTHS[0]


@pytest.mark.parametrize("part", ["training", "validation", "held_out"])
def test_each_part_of_the_models_does_its_own_work_only(part: str) -> None:
    """Rows that say the opposite, given to one part of the models, show in the number of that part."""
    outputs = target(np.full(60, 0.95))
    shadows = pools(outputs, 0.95, 0.5, models=10)
    rows = {"training": slice(0, 8), "validation": slice(8, 9), "held_out": slice(9, 10)}[part]
    inside, outside = (shadows.pools[kind].logits.copy() for kind in ("with_forget", "without_forget"))
    inside[rows], outside[rows] = outside[rows].copy(), inside[rows].copy()
    turned = {
        kind: replace(shadows.pools[kind], logits=logits)
        for kind, logits in (("with_forget", inside), ("without_forget", outside))
    }
    details = run(outputs, replace(shadows, pools=turned), 0).details
    expected = {"training": (0, 0, 0), "validation": (0, 1, 1), "held_out": (1, 0, 1)}[part]
    found = [details[key] for key in ("validation_f1", "held_out_auc", "auc")]
    assert found == pytest.approx(expected, abs=0.01)


def test_depth_is_chosen_by_f1_on_validation_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exclusive or of two features: one split cannot tell it, two can. Where one is enough, the first depth stays."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2)).astype(np.float32)
    either, first = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(int), (x[:, 0] > 0).astype(int)
    for depths, y, expected in (
        ((1, 4), either, 4),
        ((4, 1), either, 4),
        ((4, 1), first, 4),
        ((1, 4), first, 1),
    ):
        monkeypatch.setattr(shadow_xgboost, "DEPTHS", depths)
        # the rows to fit are few for depth 4 and the rule clear: both fit `first` without an error
        _, details = shadow_xgboost._tuned((x[:500], y[:500]), (x[500:], y[500:]), 0)
        assert details["max_depth"] == expected
        assert details["validation_f1"] > 0.9


def test_held_out_area_says_what_originals_leak() -> None:
    """The paper's own first line: originals against retrained models, neither of which taught the trees."""
    outputs, shadows = leaky(0, gap=2.0, sizes={**SIZES, "forget": 400}, models=20)
    none, _ = leaky(0, gap=2.0, seen=False, sizes={**SIZES, "forget": 400}, models=20)
    leaking, clean = run(outputs, shadows, 0).details, run(none, shadows, 0).details
    assert leaking["held_out_auc"] == clean["held_out_auc"]
    assert leaking["held_out_auc"] == pytest.approx(leaking["auc"], abs=0.06)
    assert clean["auc"] == pytest.approx(0.5, abs=0.08)


def test_no_shadows_is_refused() -> None:
    with pytest.raises(ValueError, match="add 'shadows'"):
        run(noisy(0), None, 0)
