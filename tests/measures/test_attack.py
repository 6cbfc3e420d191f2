"""An attack as a measure: its number, its details, the scores; and what is left where outputs are not finite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks import entropy_logistic, u_lira
from reunlearn.attacks.registry import ShadowPools
from reunlearn.measures._attack import SEED, as_measure, not_finite
from reunlearn.measures.registry import MeasureInputs, get
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.roc_grid import RATES, true_positive_rates
from tests.attacks.synthetic import all_pools, noisy

PLAIN, SHADOWED = "entropy_logistic", "u_lira"


def inputs_of(outputs: Outputs, shadows: ShadowPools) -> MeasureInputs:
    """Return what an attack with shadow models reads; the reference is Retrain's outputs."""
    reference = replace(outputs, logits={**outputs.logits, "forget": shadows.reference})
    return MeasureInputs(outputs=outputs, reference=reference, pools=shadows.pools)


def test_its_number_and_its_details_are_the_attack_s() -> None:
    outputs = noisy(0)
    result, measured = (
        entropy_logistic.run(outputs, None, SEED),
        as_measure(PLAIN)(MeasureInputs(outputs=outputs)),
    )
    assert measured.numbers[PLAIN] == result.value
    assert measured.numbers[f"{PLAIN}.auc"] == result.details["auc"]
    assert measured.status == "finished" and not measured.facts


def test_every_sample_of_the_comparison_has_a_score() -> None:
    outputs = noisy(0)
    result = entropy_logistic.run(outputs, None, SEED)
    table = get(PLAIN)(MeasureInputs(outputs=outputs)).tables["scores"]
    assert set(table["attack"]) == {PLAIN}
    members = table["member"]
    np.testing.assert_allclose(table["score"][members], result.member_scores, rtol=1e-6)
    np.testing.assert_allclose(table["score"][~members], result.other_scores, rtol=1e-6)


def test_its_roc_is_that_of_the_scores() -> None:
    outputs = noisy(0)
    result = entropy_logistic.run(outputs, None, SEED)
    table = get(PLAIN)(MeasureInputs(outputs=outputs)).tables["roc"]
    assert set(table["attack"]) == {PLAIN}
    np.testing.assert_array_equal(table["false_positive_rate"], RATES)
    expected = true_positive_rates(result.member_scores, result.other_scores)
    np.testing.assert_array_equal(table["true_positive_rate"], expected)


def test_pools_and_retrain_reach_the_attack() -> None:
    outputs = noisy(0)
    shadows = all_pools(outputs)
    measured = as_measure(SHADOWED)(inputs_of(outputs, shadows))
    assert measured.numbers[SHADOWED] == u_lira.run(outputs, shadows, SEED).value


def test_an_attack_without_what_it_reads_says_so() -> None:
    outputs = noisy(0)
    with pytest.raises(ValueError, match=f"'{PLAIN}' needs the model's outputs"):
        as_measure(PLAIN)(MeasureInputs())
    with pytest.raises(ValueError, match=f"'{SHADOWED}' needs a retrained reference"):
        as_measure(SHADOWED)(replace(inputs_of(outputs, all_pools(outputs)), reference=None))


def test_what_is_not_finite_is_named() -> None:
    outputs = noisy(0)
    shadows = all_pools(outputs)
    assert not_finite(outputs, None) == not_finite(outputs, shadows) == {}
    shadows.pools["halves"].logits[1, 2, 3] = np.nan
    assert not_finite(outputs, shadows)["facts"] == {"not_finite": "the pool halves"}
    outputs.logits["test"][0, 0] = np.inf
    assert not_finite(outputs, shadows)["facts"] == {"not_finite": "the model"}


@pytest.mark.parametrize("where", ["the model", "the reference", "the pool without_forget"])
def test_only_a_model_of_its_own_that_diverged_makes_the_run_diverged(where: str) -> None:
    outputs = noisy(0)
    inputs = inputs_of(outputs, all_pools(outputs))
    broken = {
        "the model": outputs.logits["test"],
        "the reference": inputs.reference.logits["forget"],
        "the pool without_forget": inputs.pools["without_forget"].logits,
    }
    broken[where][0, 0] = np.nan
    measured = as_measure(SHADOWED)(inputs)
    assert measured.numbers == {SHADOWED: None}
    assert len(measured.tables["scores"]["score"]) == len(measured.tables["roc"]["attack"]) == 0
    assert measured.facts == {"not_finite": where}
    assert measured.status == ("diverged" if where == "the model" else "finished")
