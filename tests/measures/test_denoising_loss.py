"""Denoising loss: the mean over samples and draws, the same draws for every model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.data.images import ImageSamples
from reunlearn.measures import denoising_loss
from reunlearn.measures.registry import Measured, MeasureInputs, Network
from reunlearn.objectives.noise_prediction import make
from reunlearn.study.recipes import Recipe

TIMESTEPS, CLASSES = 20, 3
SIZES = {"forget": 300, "retain": 7, "test": 5}  # forget: more than one batch


class Scaled(nn.Module):
    """Predicts the noisy image, times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: Tensor, timestep: Tensor, label: Tensor) -> Tensor:
        return self.factor * x


def samples(count: int) -> ImageSamples:
    rows = np.arange(count)
    x = np.random.default_rng(count).integers(0, 256, (count, 1, 4, 4)).astype(np.uint8)
    return ImageSamples(x, rows % CLASSES, rows, (0.5,), (0.25,))


def measured(factor: float, draws: int = 2) -> Measured:
    objective = make(CLASSES, timesteps=TIMESTEPS)
    network = Network(
        model=Scaled(factor),
        sets={name: samples(count) for name, count in SIZES.items()},
        objective=objective,
        training_objective=objective,
        recipe=Recipe(epochs=1, batch_size=1, learning_rate=1.0),
        split={},
        samples=lambda index: samples(len(index)),
        random_model=lambda seed: Scaled(0.0),
    )
    return denoising_loss.run(MeasureInputs(settings={"draws": draws}, network=network))


def by_hand(name: str, factor: float, draws: int) -> float:
    """Return the mean of the squared errors, one sample after the other, from the same draws."""
    objective = make(CLASSES, timesteps=TIMESTEPS).without_drop()
    generator, errors = torch.Generator().manual_seed(denoising_loss.SEED), []
    for _ in range(draws):
        for batch in samples(SIZES[name]).batches(denoising_loss.BATCH):
            draw = objective.draw(batch, generator)
            for row in range(len(batch)):
                kept = float(objective.kept[draw.timestep[row]])
                noisy = math.sqrt(kept) * batch.x[row] + math.sqrt(1 - kept) * draw.noise[row]
                errors.append(float((factor * noisy - draw.noise[row]).square().mean()))
    return float(np.mean(errors))


@pytest.mark.parametrize("name", SIZES)
def test_it_is_the_mean_over_samples_and_draws(name: str) -> None:
    numbers = measured(0.7).numbers
    assert numbers[f"denoising_loss_{name}"] == pytest.approx(by_hand(name, 0.7, 2), rel=1e-5)
    assert numbers[f"size_{name}"] == SIZES[name]
    assert measured(0.7, draws=3).numbers[f"denoising_loss_{name}"] == pytest.approx(
        by_hand(name, 0.7, 3), rel=1e-5
    )


def test_every_model_sees_the_same_draws() -> None:
    assert measured(0.7).numbers == measured(0.7).numbers
    torch.rand(5)
    assert measured(0.7).numbers == measured(0.7).numbers
    assert measured(0.7).numbers != measured(0.7, draws=3).numbers  # the control


def test_a_loss_that_is_not_finite_is_a_result() -> None:
    assert measured(0.7).status == "finished"
    assert measured(math.nan).status == "diverged"
