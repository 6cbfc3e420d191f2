"""What lies between a model, the original and Retrain: outputs, weights, and where there is nothing to compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.measures import comparison
from reunlearn.measures.registry import MeasureInputs
from reunlearn.metrics.classification import log_softmax
from reunlearn.metrics.outputs import Outputs, Pool


def outputs(seed: int, bad: bool = False) -> Outputs:
    """Return what a model answers on seven samples of each set."""
    draw = np.random.default_rng(seed)
    logits = {name: draw.normal(size=(7, 4)).astype(np.float16) for name in comparison.SETS}
    if bad:
        logits["test"][0, 0] = np.nan
    return Outputs(
        logits,
        {name: np.zeros(7, dtype=np.int64) for name in logits},
        {name: np.arange(7) for name in logits},
    )


def weights(value: float, width: int = 3) -> dict[str, np.ndarray]:
    """Return a layer of two inputs whose weights are all one value."""
    return {
        "weight": np.full((width, 2), value, dtype=np.float32),
        "bias": np.full(width, value, dtype=np.float32),
    }


def inputs(bad: bool = False, width: int = 3) -> MeasureInputs:
    """Return all inputs of a row."""
    return MeasureInputs(
        outputs=outputs(1, bad),
        reference=outputs(2),
        weights={"model": weights(1.0, width), "original": weights(2.0), "retrain": weights(4.0)},
    )


def test_divergence_runs_from_retrain_to_the_model() -> None:
    whole = inputs()
    numbers = comparison.run(whole).numbers
    log_p, log_q = (log_softmax(o.logits["forget"]) for o in (whole.reference, whole.outputs))
    expected = (np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()
    assert numbers["d_kl"] == numbers["kl_forget"] == pytest.approx(expected)
    backwards = (np.exp(log_q) * (log_q - log_p)).sum(axis=1).mean()
    assert numbers["d_kl"] != pytest.approx(backwards)
    assert numbers["kl_test"] != numbers["kl_forget"]


def test_distances_of_weights() -> None:
    numbers = comparison.run(inputs()).numbers
    assert numbers["weight_distance_original"] == pytest.approx(3)  # nine weights, each 1 apart
    assert numbers["relative_weight_distance_original"] == pytest.approx(1 / 2)
    assert numbers["relative_weight_distance_retrain"] == pytest.approx(3 / 4)


def test_without_a_second_retrain_only_the_original_is_compared_with() -> None:
    whole = inputs()
    known = {name: content for name, content in whole.weights.items() if name != "retrain"}
    assert set(comparison.run(replace(whole, reference=None, weights=known)).numbers) == {
        "weight_distance_original",
        "relative_weight_distance_original",
    }


def pool(seed: int, models: int, shift: float) -> Pool:
    """Return shadow models on nine samples: the right class's logit is a normal draw plus a shift."""
    logits = np.random.default_rng(seed).normal(size=(models, 9, 3))
    logits[..., 0] += shift
    member = np.zeros((models, 9), dtype=bool)
    return Pool(logits.astype(np.float16), member, np.arange(9), np.zeros(9, dtype=np.int64))


def test_margins_of_pools_are_compared_where_there_are_any() -> None:
    whole = inputs()
    assert not [name for name in comparison.run(whole).numbers if name.startswith("klom")]
    pair = {"forget": np.array([2, 5]), "test": np.array([0, 1])}
    answers = Outputs(
        {name: array[:2] for name, array in whole.outputs.logits.items()},
        {name: np.zeros(2, dtype=np.int64) for name in pair},
        pair,
    )
    pools = {"without_forget": pool(1, 40, 0.0), "unlearned": pool(2, 40, 0.0)}
    alike = comparison.run(replace(whole, outputs=answers, reference=None, pools=pools)).numbers
    assert 0 < alike["klom_floor_forget"] < 8
    pools["unlearned"] = pool(3, 40, 9.0)
    apart = comparison.run(replace(whole, outputs=answers, reference=None, pools=pools)).numbers
    assert apart["klom_forget"] > 3 * alike["klom_forget"]


def test_outputs_that_are_not_finite_and_other_architectures_have_no_distance() -> None:
    assert comparison.run(inputs(bad=True, width=4)).numbers == {}
