"""What every unlearning method keeps; a new file in unlearning/methods/ joins by being there."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.objectives.classification import Classification
from reunlearn.study.logs import LOGS
from reunlearn.study.methods import holds
from reunlearn.training.precision import Mixed
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.task import AccessError
from tests.contracts.small_runs import (
    CLASSES,
    DRAWS_NOTHING,
    SERIES,
    bits,
    every_method,
    finite,
    make_sets,
    original,
    result_network,
    settings_of,
    state_folders,
    unlearn,
)
from tests.unlearning.making import make


@every_method
def test_same_seed_same_bits(name: str, reading: str | None) -> None:
    first, second = (unlearn(name, reading, make_sets(9, 25), seed=3)[0] for _ in range(2))
    assert bits(first) == bits(second)
    assert bits(first) != bits(original()), "the method changed nothing"


@every_method
def test_other_seed_other_bits(name: str, reading: str | None) -> None:
    first, second = (unlearn(name, reading, make_sets(9, 25), seed=seed)[0] for seed in (3, 4))
    assert (bits(first) == bits(second)) == (name in DRAWS_NOTHING)


@every_method
def test_a_log_is_kept_and_changes_no_bit(name: str, reading: str | None) -> None:
    settings = settings_of(name, reading)
    log = tuple(given for given, when in card(name).logs.items() if holds(when, settings))
    if not log:
        pytest.skip("the method logs nothing")
    plain, bare = unlearn(name, reading, make_sets(9, 25), seed=3)
    logged, task = unlearn(name, reading, make_sets(9, 25), seed=3, log=log)
    assert bits(logged) == bits(plain)
    assert task.drawn() == bare.drawn()
    assert torch.equal(task.generator.get_state(), bare.generator.get_state())
    arrays = task.series.arrays()
    for given, series in SERIES.items():
        assert any(f"{one}.step" in arrays for one in series) == (given in log)
    for key in (key for key in arrays if key.endswith(".step")):
        assert len(arrays[key]) == len(arrays[key.replace(".step", ".value")]) > 0
        assert (np.diff(arrays[key]) > 0).all() and arrays[key][0] >= 1
    assert set(log) <= LOGS.keys() and not bare.series.arrays()


@every_method
def test_nothing_outside_is_touched(name: str, reading: str | None) -> None:
    def surroundings() -> tuple:
        generators = (torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state()), random.getstate())
        modes = (torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads())
        data = tuple(
            t.numpy().tobytes() for s in sets.values() for t in vars(s).values() if torch.is_tensor(t)
        )
        return (*generators, *modes, *data, bits(original()))

    sets = make_sets(9, 25)
    state_folders(name, reading, sets)
    before = surroundings()
    unlearn(name, reading, sets)
    assert surroundings() == before


@every_method
def test_undeclared_data_raises(name: str, reading: str | None) -> None:
    with pytest.raises(AccessError, match="declares nothing"):
        unlearn(name, reading, make_sets(9, 25), declared=set())


@every_method
def test_samples_drawn_are_counted(name: str, reading: str | None) -> None:
    sets = make_sets(9, 25)
    _, task = unlearn(name, reading, sets)
    drawn = task.drawn()
    assert {s: counted.taken for s, counted in sets.items()} == {s: drawn.get(s, 0) for s in sets}
    assert sum(drawn.values()) > 0


@every_method
@pytest.mark.parametrize(
    ("forget", "retain", "missing"),
    [(9, 25, None), (9, 24, None), (25, 9, None), (9, 25, 1)],
    ids=["last-batches-of-one", "last-joint-batch-of-one", "forget-larger", "class-missing-from-retain"],
)
def test_weights_stay_finite(
    name: str, reading: str | None, forget: int, retain: int, missing: int | None
) -> None:
    model, _ = unlearn(name, reading, make_sets(forget, retain, missing))
    assert finite(model)
    wanted = result_network(card(name).network, 0)
    assert model.state_dict().keys() == wanted.state_dict().keys()


@every_method
def test_mixed_precision_reaches_the_method_and_leaves_weights_in_full(
    name: str, reading: str | None
) -> None:
    if not card(name).mixed:
        pytest.skip("always in full precision")
    mixed = Mixed(Classification(CLASSES), "cpu")
    rough, exact = (unlearn(name, reading, make_sets(9, 25), objective=o)[0] for o in (mixed, None))
    assert finite(rough)
    assert all(t.dtype != torch.bfloat16 for t in rough.state_dict().values())
    assert bits(rough) != bits(exact), "nothing was computed in bfloat16"


@every_method
def test_hyperparameters_out_of_range_are_refused(name: str, reading: str | None) -> None:
    refused = {"ge": lambda limit: limit - 1, "gt": lambda limit: limit, "le": lambda limit: limit + 1}
    refused |= {"lt": lambda limit: limit, "choices": lambda _: "no-such-choice"}
    tried = 0
    for key, entry in card(name).hyperparameters.items():
        assert entry.doc, f"{key} is not explained"
        wrong = [
            make_wrong(limit)
            for bound, make_wrong in refused.items()
            if (limit := getattr(entry, bound)) is not None
        ]
        for value in [*wrong, None]:
            with pytest.raises(UserError, match=rf"method '{name}'.*\b{key}\b") as caught:
                make(name, reading, {key: value})
            assert "\n" not in str(caught.value)
            tried += value is not None
    assert tried > 0, "no hyper-parameter has a range"
    with pytest.raises(UserError, match="unknown hyper-parameter 'no_such_key'"):
        make(name, reading, {"no_such_key": 1})
