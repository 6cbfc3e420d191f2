"""ESD on tiny noise predictors: its step against a plain one, which weights change, and what it does to the class."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.unlearning.methods.esd import ESD
from tests.objectives.test_noise_prediction import CLASSES, FORGOTTEN, OBJECTIVE, digits, original
from tests.unlearning.methods.test_selective_amnesia import same, task_of

SETTINGS: dict[str, Any] = {
    "steps": 12,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "weights": "all",
    "path_steps": 10,
}
UNET = {"width": 8, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0}


@functools.cache
def forgotten(seed: int = 0, **changes: Any) -> nn.Module:
    return ESD(**{**SETTINGS, **changes}).unlearn(copy.deepcopy(original()), task_of(seed))


@torch.no_grad()
def away(model: nn.Module, label: int) -> float:
    """Return how far a model's prediction for a class is from the original's prediction away from it, over its own."""
    batch = digits(FORGOTTEN).take(slice(0, 40))
    draw = OBJECTIVE.draw(batch, torch.Generator().manual_seed(0))
    given = (OBJECTIVE.noisy(batch.x, draw), draw.timestep)
    label_B = torch.full_like(batch.y, label)
    null, asked = (original().eval()(*given, y) for y in (torch.full_like(label_B, CLASSES), label_B))
    target = 2 * null - asked
    return float((model.eval()(*given, label_B) - target).square().mean() / (asked - target).square().mean())


def test_the_seed_gives_the_bits() -> None:
    forgotten.cache_clear()
    first = forgotten()
    forgotten.cache_clear()
    assert same(first, forgotten()) and not same(first, forgotten(seed=1))


def test_the_class_is_led_away() -> None:
    assert away(forgotten(steps=60), FORGOTTEN) < 0.8 < away(original(), FORGOTTEN)


def test_a_step_is_that_of_the_formula() -> None:
    method = ESD(**{**SETTINGS, "steps": 1, "optimizer": "sgd", "momentum": 0.0, "negative_guidance": 1.5})
    task = task_of()
    ours = method.unlearn(copy.deepcopy(original()), task)
    again = task_of()
    torch.randint(1, (8,), generator=again.generator)
    label_B = torch.full((8,), FORGOTTEN)
    x_t, timestep_B = method.on_the_way(original(), OBJECTIVE, label_B, again)
    expected = copy.deepcopy(original()).train()
    with torch.no_grad():
        null = original().eval()(x_t, timestep_B, torch.full((8,), CLASSES))
        target = null - 1.5 * (original()(x_t, timestep_B, label_B) - null)
    (expected(x_t, timestep_B, label_B) - target).square().mean().backward()
    for mine, theirs in zip(ours.parameters(), expected.parameters(), strict=True):
        gradient = torch.zeros_like(theirs) if theirs.grad is None else theirs.grad
        torch.testing.assert_close(mine, theirs - 1e-3 * gradient)
    assert not same(ours, original())


def test_the_time_fits_the_steps_taken() -> None:
    method, task = ESD(**SETTINGS), task_of()
    seen = {
        int(method.on_the_way(original(), OBJECTIVE, torch.tensor([FORGOTTEN]), task)[1]) for _ in range(60)
    }
    assert min(seen) < 5 and max(seen) >= 45 and max(seen) < 50


def test_only_chosen_weights_change() -> None:
    model = build(ArchitectureSpec(name="ddpm_unet", settings=UNET), (1, 8, 8), CLASSES, seed=0)
    task = task_of()
    after = ESD(**{**SETTINGS, "steps": 1, "weights": "noxattn"}).unlearn(copy.deepcopy(model), task)
    changed = {
        name
        for (name, before), now in zip(model.named_parameters(), after.parameters(), strict=True)
        if not torch.equal(before, now)
    }
    assert changed and not [name for name in changed if "time_embedding" in name or "conv_out" in name]
    with pytest.raises(UserError, match="no weights 'xattn'"):
        ESD(**{**SETTINGS, "weights": "xattn"}).unlearn(copy.deepcopy(model), task)


def test_no_sample_of_a_set_is_drawn() -> None:
    task = task_of()
    ESD(**{**SETTINGS, "steps": 1}).unlearn(copy.deepcopy(original()), task)
    assert task.drawn() == {}
