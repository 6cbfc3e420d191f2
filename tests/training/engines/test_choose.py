"""The engine that a recipe names, or the one that serves it here; a trial tells what an engine computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.data.text import TextSamples
from reunlearn.objectives.classification import Classification
from reunlearn.objectives.registry import draws_nothing, make
from reunlearn.training.engines import choose as choosing
from reunlearn.training.engines.choose import Choice, choose, disagreement, why_not_captured
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.engine import Engine
from reunlearn.training.engines.graphed import Graphed
from tests.training.engines.test_static import TriedOut
from tests.training.small_training import changed, dropping, fresh, make_samples, same_bits


class Wrong(TriedOut):
    """Moves the weights by more than its optimizer does."""

    def step(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        self.taken = getattr(self, "taken", 0) + 1
        losses = super().step(batches, draws)
        if self.taken == 2:
            with torch.no_grad():
                for weight in self.network.parameters():
                    weight.mul_(3)
        return losses


class Waiting(TriedOut):
    """Stands for an engine whose step waits for the device."""

    def step(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        raise RuntimeError("called a synchronizing CUDA operation\nmore about it")


def trial(
    engine: type[Engine], model: nn.Module | None = None, samples: Any = None, **change: Any
) -> str | None:
    recipe = changed(change)
    return disagreement(
        engine, [model or fresh()], [samples or make_samples(recipe)], Classification(4), recipe
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_a_trial_accepts_what_computes_the_same(optimizer: str) -> None:
    model, before = dropping(), torch.get_rng_state()
    assert trial(TriedOut, model, optimizer=optimizer) is None
    assert same_bits(model, dropping()), "the model has been left alone"
    assert torch.equal(torch.get_rng_state(), before)


def test_a_trial_tells_what_is_wrong() -> None:
    assert "were not those of eager" in (trial(Wrong) or "")
    assert trial(Waiting) == "RuntimeError: called a synchronizing CUDA operation"
    assert trial(TriedOut, batch_size=51) == "there is no full batch"
    x = np.ones((40, 6), np.int64)
    x[:20, 3:] = 0
    assert trial(TriedOut, samples=TextSamples(x, np.zeros(40), np.arange(40))) == "batches differ in length"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("auto", Choice(Eager)),
        ("eager", Choice(Eager)),
        ("grouped", Choice(Eager, "there is only one model")),
        ("graphed", Choice(Eager, "a CUDA graph needs a GPU")),
    ],
)
def test_what_a_cpu_has(asked: str, expected: Choice) -> None:
    recipe = changed({"engine": asked})
    assert choose(fresh(), make_samples(recipe), Classification(4), recipe) == expected


class OnGPU:
    """Stands for samples that lie on a GPU."""

    device = torch.device("cuda", 0)


@pytest.mark.parametrize(("asked", "engine"), [("auto", Graphed), ("graphed", Graphed), ("eager", Eager)])
def test_what_a_gpu_has(monkeypatch: pytest.MonkeyPatch, asked: str, engine: type[Engine]) -> None:
    """The trial itself needs a GPU; where it fails, the ordinary engine trains, and the reason is kept."""
    recipe, samples, objective = changed({"engine": asked}), OnGPU(), Classification(4)
    for reason in (None, "why"):
        monkeypatch.setattr(choosing, "disagreement", lambda *_, reason=reason: reason)
        expected = Choice(Eager, reason) if reason and engine is Graphed else Choice(engine)
        assert choose(fresh(), samples, objective, recipe) == expected  # type: ignore[arg-type]


def test_an_objective_that_may_draw_is_not_captured() -> None:
    assert draws_nothing(Classification(4)) and draws_nothing(make("text", 4))
    for objective in (make("noise_prediction", 4), object()):
        assert not draws_nothing(objective)  # type: ignore[arg-type]
        why = why_not_captured(Graphed, [fresh()], [OnGPU()], objective, changed({}))  # type: ignore[list-item, arg-type]
        assert why == "the objective draws for each batch"


def test_the_record_names_the_engine_and_the_reason() -> None:
    assert Choice(Graphed).facts == {"engine": "graphed"}
    assert Choice(Eager, "why").facts == {"engine": "eager", "engine_reason": "why"}
