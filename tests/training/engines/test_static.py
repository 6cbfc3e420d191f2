"""A step on fixed tensors is that of the ordinary engine, to the bit; and trying it out leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from reunlearn.data.batches import Batch
from reunlearn.objectives.classification import Classification
from reunlearn.training import optimizers
from reunlearn.training.engines.capture import unchanged
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.engine import Engine
from reunlearn.training.engines.graphed import Played
from reunlearn.training.engines.grouped import Grouped
from reunlearn.training.engines.static import Compute
from reunlearn.training.loop import train, train_together
from tests.training.engines.recording import recorded
from tests.training.small_training import (
    CHANGES,
    KilledError,
    changed,
    dropping,
    fresh,
    make_samples,
    same_bits,
)


class Static(Played, Eager):
    """On fixed tensors, not captured: a CPU has no graphs."""

    name, ordinary = "static", Eager

    def step(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        before = self.static.inputs
        losses = super().step(batches, draws)
        after = self.static.inputs
        assert before is None or all(a is b for a, b in zip(before, after or [], strict=True))
        return losses

    def made(self, compute: Compute) -> Compute:
        return compute


class TriedOut(Static):
    """Takes some steps first, as a capture does."""

    def made(self, compute: Compute) -> Compute:
        with unchanged(self.network, self.optimizer):
            for _ in range(3):
                compute()
        return compute


class Recorded(Static):
    """Played again as a graph plays it: what Python did in the step is not done again."""

    def made(self, compute: Compute) -> Compute:
        return recorded(compute, self.network, self.optimizer)


class StaticGroup(Played, Grouped):
    name, ordinary = "static group", Grouped

    def made(self, compute: Compute) -> Compute:
        return compute


def trained(engine: type[Engine], change: dict[str, Any], **options: Any) -> Any:
    recipe, model = changed(change), dropping()
    history = train(model, make_samples(recipe), Classification(4), recipe, 3, engine=engine, **options)
    return model, history


@pytest.mark.parametrize("engine", [Static, TriedOut])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_static_step_gives_the_bits_of_an_ordinary_one(
    engine: type[Engine], change: dict[str, Any]
) -> None:
    """With dropout, clipping, an average of the weights, every optimizer and schedule; the last batch is smaller."""
    model, history = trained(engine, change)
    ordinary, expected = trained(Eager, change)
    assert history == expected
    assert same_bits(model, ordinary)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_played_step_gives_the_bits_of_an_ordinary_one(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fused optimizers, as on a GPU: on a CPU the others read their rate in Python."""
    plain = optimizers._unclipped
    monkeypatch.setattr(optimizers, "_unclipped", lambda settings, own, _: plain(settings, own, True))
    model, history = trained(Recorded, change)
    ordinary, expected = trained(Eager, change)
    assert history == expected
    assert same_bits(model, ordinary)


def test_steps_that_are_tried_out_do_change_what_is_put_back() -> None:
    """The control of the test above: three steps move the weights, BatchNorm's statistics and the random state."""
    recipe, model = changed({}), dropping()
    samples = make_samples(recipe)
    engine = Static([model], [samples], Classification(4), recipe)
    batch, before = samples.take(slice(0, 16)), torch.get_rng_state()
    engine.step([batch], [batch.y])
    assert not any(
        torch.equal(a, b) for a, b in zip(model.parameters(), dropping().parameters(), strict=True)
    )
    assert not torch.equal(torch.get_rng_state(), before)
    momentum = [each["momentum_buffer"].clone() for each in engine.optimizer.state.values()]
    weights = [each.detach().clone() for each in model.parameters()]
    with unchanged(model, engine.optimizer):
        engine.step([batch], [batch.y])
        assert not torch.equal(
            engine.optimizer.state[next(model.parameters())]["momentum_buffer"], momentum[0]
        )
    after = [each["momentum_buffer"] for each in engine.optimizer.state.values()]
    assert all(torch.equal(a, b) for a, b in zip(after, momentum, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), weights, strict=True))


@pytest.mark.parametrize("change", ["sgd", "adam", "warm-up per step"])
def test_resumed_static_training_gives_the_same_bits(tmp_path: Path, change: str) -> None:
    def die(numbers: dict[str, Any], epochs: int) -> None:
        if numbers["epoch"] == 3:
            raise KilledError

    model, history = trained(TriedOut, CHANGES[change])
    with pytest.raises(KilledError):
        trained(TriedOut, CHANGES[change], checkpoints=tmp_path, progress=die, seconds_between=0)
    begun: list[int] = []
    resumed, again = trained(
        TriedOut,
        CHANGES[change],
        checkpoints=tmp_path,
        progress=lambda numbers, _: begun.append(numbers["epoch"]),
    )
    assert begun == [3, 4]
    assert again == history
    assert same_bits(resumed, model)


def test_a_group_on_fixed_tensors_is_the_group() -> None:
    recipe, seeds = changed({}), [3, 4]
    sides = []
    for engine in (StaticGroup, Grouped):
        models = [fresh(seed) for seed in seeds]
        sets = [make_samples(recipe)] * 2
        sides.append((models, train_together(models, sets, Classification(4), recipe, seeds, engine=engine)))
    (models, history), (others, expected) = sides
    assert history == expected
    assert all(same_bits(a, b) for a, b in zip(models, others, strict=True))


def test_rates_are_numbers_outside_a_step() -> None:
    """What schedules, histories and checkpoints read; the step itself reads a tensor that follows them."""
    recipe, model = changed({}), fresh()
    samples = make_samples(recipe)
    engine = Static([model], [samples], Classification(4), recipe)
    seen: list[Any] = []
    engine.optimizer.register_step_pre_hook(lambda made, *_: seen.append(made.param_groups[0]["lr"]))
    for rate, rows in ((0.05, slice(0, 16)), (0.02, slice(16, 32)), (0.01, slice(48, 50))):
        engine.optimizer.param_groups[0]["lr"] = rate
        batch = samples.take(rows)
        engine.step([batch], [batch.y])
        assert engine.optimizer.param_groups[0]["lr"] == rate
        assert float(seen[-1]) == rate
    assert seen[0] is seen[1] is seen[2], "the tensor stays the same, also for a batch of another shape"
