"""The SWAP test: nothing for Retrain by construction, much for a model that remembers, and equal to the slow form."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.data.swapping import partners
from reunlearn.measures import swap
from reunlearn.measures.registry import MeasureInputs
from reunlearn.metrics.margins import margins
from reunlearn.metrics.outputs import Outputs, Pool
from tests.attacks.synthetic import CLASSES, leaky, logits_of

SIZES = {"forget": 40, "retain": 30, "validation": 90, "test": 5}


def world(seed: int, lift: float, swapped_lift: float | None = None, models: int = 3) -> MeasureInputs:
    """Return pools whose margins are higher by `lift` on what each model learned and was to forget.

    Samples have difficulties of their own, and forget samples are easier than held-out ones. Without `swapped_lift`
    both pools are the same models, as Retrain's are.
    """
    outputs: Outputs = leaky(seed, sizes=SIZES, models=2)[0]
    rng = np.random.default_rng(seed)
    index_N = np.sort(np.concatenate([outputs.index[name] for name in ("forget", "retain", "validation")]))
    label_N = rng.integers(CLASSES, size=len(index_N))
    forget = outputs.index["forget"]
    held_out = partners(forget, outputs.index["validation"])
    difficulty_N = rng.normal(0, 1, len(index_N)) + 2.0 * np.isin(index_N, forget)

    def pool(forgotten: np.ndarray, lift: float) -> Pool:
        margin_MN = rng.normal(difficulty_N + lift * np.isin(index_N, forgotten), size=(models, len(index_N)))
        logits = np.stack([logits_of(1 / (1 + np.exp(-margin_N)), label_N) for margin_N in margin_MN])
        return Pool(logits.astype(np.float16), np.ones(margin_MN.shape, dtype=bool), index_N, label_N)

    unlearned = pool(forget, lift)
    swapped = unlearned if swapped_lift is None else pool(held_out, swapped_lift)
    return MeasureInputs(outputs=outputs, pools={"unlearned": unlearned, "swapped": swapped})


def slow(inputs: MeasureInputs) -> float:
    """Return the advantage by the paper's formula: a loop over thresholds, models and the four terms."""
    assert inputs.outputs is not None
    forget = inputs.outputs.index["forget"]
    held_out = partners(forget, inputs.outputs.index["validation"])

    def margin(kind: str, index: np.ndarray) -> list[np.ndarray]:
        pool = inputs.pools[kind]
        places = [pool.index.tolist().index(number) for number in index]
        return [margins(model[None, places], pool.label[places])[0] for model in pool.logits]

    terms = [
        (1, margin("unlearned", forget)),
        (1, margin("swapped", held_out)),
        (-1, margin("unlearned", held_out)),
        (-1, margin("swapped", forget)),
    ]
    best = 0.0
    for threshold in {value for _, models in terms for model in models for value in model}:
        shares = [sign * np.mean([(model > threshold).mean() for model in models]) for sign, models in terms]
        best = max(best, abs(0.5 * sum(shares)))
    return best


@pytest.mark.parametrize("lift", [0.0, 5.0])
def test_retrain_has_no_advantage_by_construction(lift: float) -> None:
    """Whatever forget and held-out samples differ in: here forget samples are easier, by much where lifted."""
    numbers = swap.run(world(1, lift)).numbers
    assert numbers["swap_advantage"] == 0.0
    assert numbers["swap_pairs"] == 3


def test_what_is_remembered_gives_an_advantage() -> None:
    """A model that is surer of what it learned by six deviations is told apart nearly always."""
    remembered = swap.run(world(2, 6.0, 6.0)).numbers["swap_advantage"]
    half = swap.run(world(2, 2.0, 2.0)).numbers["swap_advantage"]
    other_numbers = swap.run(world(2, 0.0, 0.0)).numbers["swap_advantage"]
    assert remembered is not None and half is not None and other_numbers is not None
    assert remembered > 0.8 > half > 0.3 > other_numbers > 0


def test_an_attack_without_the_swap_calls_easier_samples_remembered() -> None:
    """The control: Retrain's scores of forget and of held-out samples differ, and only the swap takes that away."""
    inputs = world(3, 0.0)
    assert inputs.outputs is not None
    pool, forget = inputs.pools["unlearned"], inputs.outputs.index["forget"]
    held_out = partners(forget, inputs.outputs.index["validation"])
    sides = [
        margins(pool.of(index)[0], pool.label[np.searchsorted(pool.index, index)]).ravel()
        for index in (forget, held_out)
    ]
    assert swap.advantage(*sides) > 0.4
    assert swap.run(inputs).numbers["swap_advantage"] == 0.0


@pytest.mark.parametrize("lift", [0.0, 1.0, 4.0])
def test_it_equals_the_slow_form(lift: float) -> None:
    inputs = world(4, lift, lift + 0.5, models=2)
    assert swap.run(inputs).numbers["swap_advantage"] == pytest.approx(slow(inputs), abs=1e-12)


def test_models_without_a_partner_are_left_out() -> None:
    inputs = world(5, 1.0, 1.0, models=4)
    pool = inputs.pools["swapped"]
    fewer = Pool(pool.logits[:2], pool.member[:2], pool.index, pool.label)
    found = swap.run(MeasureInputs(outputs=inputs.outputs, pools={**inputs.pools, "swapped": fewer})).numbers
    assert found["swap_pairs"] == 2
    both = {k: Pool(p.logits[:2], p.member[:2], p.index, p.label) for k, p in inputs.pools.items()}
    assert found == swap.run(MeasureInputs(outputs=inputs.outputs, pools=both)).numbers


def test_outputs_that_are_not_finite_have_no_advantage() -> None:
    inputs = world(6, 1.0, 1.0)
    inputs.pools["swapped"].logits[0, :, 0] = np.nan
    measured = swap.run(inputs)
    assert measured.numbers["swap_advantage"] is None
    assert measured.facts == {"not_finite": "a pool"}
