"""Methods that use the loss alone run unchanged on another kind of task."""

from __future__ import annotations

import copy
import functools
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.data.images import ImageSamples
from reunlearn.study.schema import Recipe
from reunlearn.training.loop import train
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.task import Task
from tests.objectives.denoiser import Denoiser, NoisePredictor

FORGOTTEN = 3  # the digit to forget
OTHERS = tuple(k for k in range(10) if k != FORGOTTEN)
RECIPE = Recipe(
    source="tests", optimizer="adam", learning_rate=4e-3, schedule="cosine", epochs=120, batch_size=64
).model_dump(mode="json")
ADAM: dict[str, Any] = {"optimizer": "adam", "weight_decay": 0.0, "batch_size": 64}
SETTINGS: dict[str, dict[str, Any]] = {
    "finetune": {**ADAM, "epochs": 40, "learning_rate": 3e-3, "schedule": "cosine"},
    "sfr_on": {**ADAM, "steps": 400, "learning_rate": 2e-3, "inner_period": 10},
}


def digits(*kinds: int) -> Samples:
    """Return the images of these digits among the first 600."""
    bunch = load_digits()
    labels_N = bunch.target[:600].astype(np.int64)
    rows = np.flatnonzero(np.isin(labels_N, kinds))
    x = (bunch.images[rows, None] * 15).astype(np.uint8)
    return ImageSamples(x, labels_N[rows], rows, (0.5,), (0.5,))


@functools.cache
def original() -> nn.Module:
    """Return a denoiser trained on all digits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = NoisePredictor(classes=10)
    train(model, digits(*range(10)), Denoiser(), RECIPE, seed=0)
    return model


@torch.no_grad()
def loss_of(model: nn.Module, samples: Samples) -> float:
    """Return the mean loss over several fixed draws of noise and timestep."""
    objective, generator = Denoiser(), torch.Generator().manual_seed(99)
    batch = samples.take(slice(None))
    losses = [objective.loss(model.eval(), batch, objective.draw(batch, generator)) for _ in range(16)]
    return torch.stack(losses).mean().item()


def rise(name: str, retain: tuple[int, ...] = OTHERS, **changes: Any) -> tuple[float, float]:
    """Return by which factor a method changes the loss on the forgotten digit and on the others."""
    sets = {"forget": digits(FORGOTTEN), "retain": digits(*retain)}
    declared = {s for s in sets if card(name)["needs"][s]}
    task = Task(sets, declared, Denoiser(), 0, seed=0)
    reading = "code" if name == "sfr_on" else None
    model = make(name, reading, {**SETTINGS[name], **changes}).unlearn(copy.deepcopy(original()), task)
    before, after = (
        (loss_of(m, digits(FORGOTTEN)), loss_of(m, digits(*OTHERS))) for m in (original(), model)
    )
    return after[0] / before[0], after[1] / before[1]


def test_a_draw_fixes_the_loss() -> None:
    objective, batch = Denoiser(), digits(FORGOTTEN).take(slice(0, 5))
    generator = torch.Generator().manual_seed(0)
    first, second = (objective.draw(batch, generator) for _ in range(2))
    losses = [objective.per_sample_loss(original(), batch, draw) for draw in (first, first, second)]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    assert losses[0].shape == (5,)
    torch.testing.assert_close(objective.loss(original(), batch, first), losses[0].mean())


@pytest.mark.parametrize("name", SETTINGS)
def test_asks_nothing_beyond_the_loss(name: str) -> None:
    assert card(name)["capabilities"] == {}


def test_finetune_improves_what_stays_and_not_what_goes() -> None:
    forget, retain = rise("finetune")
    assert retain < 0.97
    assert forget - retain > 0.035
    control_forget, control_retain = rise("finetune", retain=tuple(range(10)))
    assert abs(control_forget - control_retain) < 0.02, "with all digits retained, both fall alike"


def test_sfr_on_raises_the_loss_of_what_goes_far_more() -> None:
    forget, retain = rise("sfr_on")
    assert forget > 2.0
    assert retain < 1.5
    control_forget, _ = rise("sfr_on", ascent=0.0)
    assert control_forget < 1.2, "without ascent there is no such rise"


def test_same_seed_same_loss() -> None:
    assert rise("sfr_on", steps=20) == rise("sfr_on", steps=20)
