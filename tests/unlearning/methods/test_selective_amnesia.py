"""Selective amnesia on a tiny noise predictor; that its steps equal a reference is tests/fidelity/generators."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import nn

from reunlearn.data.batches import Batch
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.study.scenario import read_scenario
from reunlearn.unlearning.methods.selective_amnesia import SelectiveAmnesia
from reunlearn.unlearning.task import Task
from tests.objectives.test_noise_prediction import CLASSES, FORGOTTEN, OBJECTIVE, OTHERS, digits, original

SETTINGS: dict[str, Any] = {
    "steps": 40,
    "batch_size": 16,
    "learning_rate": 2e-3,
    "samples": 4,
    "sample_steps": 10,
    "sample_eta": 0.0,
    "sample_clip": True,
    "guidance": 1.0,
    "fisher_samples": 2,
    "fisher_timesteps": 10,
}


def task_of(seed: int = 0, objective: NoisePrediction = OBJECTIVE) -> Task:
    sets = {"forget": digits(FORGOTTEN), "retain": digits(*OTHERS)}
    scenario = read_scenario({"kind": "class", "classes": [FORGOTTEN]})
    return Task(sets, set(), objective, CLASSES, seed, scenario=scenario)


@functools.cache
def forgotten(seed: int = 0, **changes: Any) -> nn.Module:
    method = SelectiveAmnesia(**{**SETTINGS, **changes})
    return method.unlearn(copy.deepcopy(original()), task_of(seed))


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@torch.no_grad()
def surrogate_loss(model: nn.Module, label: int) -> float:
    """Return the loss on uniform noise under a class."""
    generator = torch.Generator().manual_seed(7)
    x = 2 * torch.rand((400, 1, 8, 8), generator=generator) - 1
    batch = Batch(x, torch.full((400,), label), torch.arange(400))
    return OBJECTIVE.loss(model.eval(), batch, OBJECTIVE.draw(batch, generator)).item()


def test_the_seed_gives_the_bits() -> None:
    forgotten.cache_clear()
    first = forgotten()
    forgotten.cache_clear()
    assert same(first, forgotten()) and not same(first, forgotten(seed=1))


def test_the_forgotten_class_becomes_the_surrogate() -> None:
    gain = {k: surrogate_loss(original(), k) - surrogate_loss(forgotten(), k) for k in (FORGOTTEN, 8)}
    assert gain[FORGOTTEN] > 0.01
    assert gain[FORGOTTEN] > 1.5 * gain[8], "control: other classes learn it less"


def test_elasticity_holds_the_weights() -> None:
    def moved(model: nn.Module) -> float:
        pairs = zip(model.parameters(), original().parameters(), strict=True)
        return sum(float((p - q).detach().square().sum()) for p, q in pairs)

    assert moved(forgotten(elasticity=1e6)) < 0.7 * moved(forgotten(elasticity=0.0))


def test_no_sample_of_a_set_is_drawn() -> None:
    task = task_of()
    SelectiveAmnesia(**{**SETTINGS, "steps": 1}).unlearn(copy.deepcopy(original()), task)
    assert task.drawn() == {}


def test_evenly_spaced_timesteps_stand_for_all() -> None:
    """With a noise that is the same at all timesteps the scaled sum over ten is near that over all fifty."""
    method = SelectiveAmnesia(**SETTINGS)
    objective = OBJECTIVE.without_drop()
    batch = digits(FORGOTTEN).take(slice(0, 1))
    replay = Batch(batch.x, batch.y, torch.arange(1))
    sums = [
        torch.cat(
            [g.flatten() for g in chosen.summed_gradient(original().eval(), objective, replay, 0, task_of())]
        )
        for chosen in (method, SelectiveAmnesia(**{**SETTINGS, "fisher_timesteps": 0}))
    ]
    ratio = float(sums[0].norm() / sums[1].norm())
    assert 0.5 < ratio < 2
