"""The shadow attack on pools whose difference is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks.registry import Outputs
from reunlearn.attacks.shadow_xgboost import run
from tests.attacks.synthetic import logits_of, never_saw, noisy, pools


def target(p: np.ndarray) -> Outputs:
    """Return outputs of a model with these probabilities on forget."""
    base = never_saw()
    return replace(base, logits={**base.logits, "forget": logits_of(p, base.labels["forget"])})


def test_a_model_that_remembers_is_told_apart_fully() -> None:
    outputs = target(np.full(60, 0.95))
    result = run(outputs, pools(outputs.labels["forget"], 0.95, 0.5), 0)
    assert result.value == result.details["auc"] == 1.0
    assert (result.details["training_models"], result.details["training_rows"]) == (16, 960)


def test_half_remembered_gives_three_quarters() -> None:
    """Half the samples score above every other one, half exactly like them: ½·1 + ½·½."""
    outputs = target(np.where(np.arange(60) % 2 == 0, 0.95, 0.5))
    shadows = pools(outputs.labels["forget"], 0.95, 0.5)
    shadows = replace(shadows, reference=logits_of(np.full(60, 0.5), outputs.labels["forget"]))
    assert run(outputs, shadows, 0).value == pytest.approx(0.75, abs=0.05)


def test_a_model_equal_to_the_reference_gives_one_half_exactly() -> None:
    """The paper's ideal, by construction: member and other rows have the same scores."""
    outputs = noisy(0)
    shadows = replace(pools(outputs.labels["forget"], 0.9, 0.5), reference=outputs.logits["forget"])
    assert run(outputs, shadows, 0).value == 0.5


def test_a_model_that_never_saw_forget_gives_about_one_half() -> None:
    labels = noisy(0).labels["forget"]
    values = []
    for seed in range(5):
        shadows = pools(labels, 0.6, 0.5, seed=seed)
        fresh = np.random.default_rng(100 + seed).uniform(0.48, 0.52, 60)
        outputs = Outputs({"forget": logits_of(fresh, labels)}, {"forget": labels})
        values.append(run(outputs, shadows, 0).value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_the_order_of_shadow_models_does_not_matter() -> None:
    outputs = noisy(0)
    shadows = pools(outputs.labels["forget"], 0.7, 0.65)
    shuffled = replace(
        shadows, inside=shadows.inside[::-1], outside=shadows.outside[[3, 1, 0, 2, 7, 6, 5, 4]]
    )
    np.testing.assert_array_equal(
        run(outputs, shadows, 0).member_scores, run(outputs, shuffled, 0).member_scores
    )


def test_no_shadows_is_refused() -> None:
    with pytest.raises(ValueError, match="add 'shadows'"):
        run(noisy(0), None, 0)
