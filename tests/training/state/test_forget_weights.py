"""Weights of the worst case: the projection, one step by hand, the same bits, and that weighted samples are harder."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.study.scenario import read_scenario
from reunlearn.training.state import forget_weights
from reunlearn.training.tensor_files import read_tensors
from tests.training.state.requests import request

COUNT, CLASSES, HARD = 24, 2, 6
SHORT = {"kind": "worst_case", "count": HARD, "iterations": 3, "epochs": 2, "learning_rate": 0.02}


def samples() -> ImageSamples:
    """Return images of two classes, dark and light; the last six look like the class that they are not."""
    rng = np.random.default_rng(0)
    y = np.arange(COUNT) % CLASSES
    looks = np.where(np.arange(COUNT) < COUNT - HARD, y, 1 - y)[:, None, None, None]
    x = np.clip(60 + 130 * looks + rng.normal(0, 15, (COUNT, 1, 3, 3)), 0, 255)
    return ImageSamples(x.astype(np.uint8), y, 5 * np.arange(COUNT), (0.5,), (0.25,))


def original() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, CLASSES))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    data = samples().take(slice(None))
    for _ in range(60):
        optimizer.zero_grad()
        functional.cross_entropy(model(data.x), data.y).backward()
        optimizer.step()
    return model


def weights(folder: Path, seed: int = 0, **change: Any) -> tuple[Tensor, dict[str, Any]]:
    """Return the weights and the facts."""
    folder.mkdir(exist_ok=True)
    made = replace(
        request(folder, original(), samples(), CLASSES, seed), scenario=read_scenario({**SHORT, **change})
    )
    before = copy.deepcopy(made.model.state_dict())
    facts = forget_weights.write(made)
    assert all(torch.equal(before[name], value) for name, value in made.model.state_dict().items())
    tensors = read_tensors(folder / "state.safetensors")
    assert torch.equal(tensors["index"], samples().index)
    return tensors["weight"], facts


@pytest.mark.parametrize("count", [1, 7, 19])
def test_the_projection_is_the_nearest_point(count: int) -> None:
    value = torch.from_numpy(np.random.default_rng(count).normal(0.3, 1, 20))
    found = forget_weights.projected(value, count)
    assert found.sum().item() == pytest.approx(count, abs=1e-9)
    assert found.min() >= 0 and found.max() <= 1
    distance = (found - value).norm()
    rng = np.random.default_rng(0)
    for _ in range(200):  # points with the same sum in the same box lie further away
        other = forget_weights.projected(torch.from_numpy(rng.normal(0, 2, 20)), count)
        mixed = 0.9 * found + 0.1 * other
        assert (mixed - value).norm() >= distance - 1e-9
    assert torch.allclose(forget_weights.projected(found, count), found, atol=1e-9)


def test_one_step_by_hand(tmp_path: Path) -> None:
    """One batch, one pass, one step: θ ← θ − β sign ∇Σ(1 − m/N) ℓ, then w ← P(m/N − α (ℓ + 2γ m/N))."""
    data, model = samples().take(slice(None)), original()
    loss = functional.cross_entropy(model(data.x), data.y, reduction="sum") * (1 - HARD / COUNT)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter -= 0.02 * gradient.sign()
        loss_N = functional.cross_entropy(model(data.x), data.y, reduction="none").double()
    start = torch.full((COUNT,), HARD / COUNT, dtype=torch.float64)
    expected = forget_weights.projected(start - 0.5 * (loss_N + 2 * 0.1 * start), HARD)
    recipe = request(tmp_path, model, samples(), CLASSES).recipe.model_copy(update={"batch_size": COUNT})
    scenario = read_scenario({**SHORT, "iterations": 1, "epochs": 1, "weight_rate": 0.5, "gamma": 0.1})
    made = replace(request(tmp_path, original(), samples(), CLASSES, recipe=recipe), scenario=scenario)
    forget_weights.write(made)
    torch.testing.assert_close(read_tensors(tmp_path / "state.safetensors")["weight"], expected)


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    first, again, other = (weights(tmp_path / str(n), seed)[0] for n, seed in enumerate((1, 1, 2)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_the_unlearned_model_knows_best_gets_the_weight(tmp_path: Path) -> None:
    weight, facts = weights(tmp_path, weight_rate=0.5)
    assert weight.sum().item() == pytest.approx(HARD, abs=1e-9)
    assert len(facts["upper_losses"]) == 3
    chosen = weight.topk(HARD).indices
    model = original()
    loss = forget_weights.losses(model, samples(), Classification(CLASSES), torch.Generator())
    assert loss[chosen].mean() < loss.mean()
    assert not set(chosen.tolist()) & set(range(COUNT - HARD, COUNT))  # none of the mislabelled


def test_a_rate_that_lets_it_diverge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has diverged; lower the 'learning_rate'"):
        weights(tmp_path, learning_rate=1e38)
