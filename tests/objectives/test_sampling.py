"""Samples by DDIM and LMS: the formulas, step by step, and the same image whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.polynomial import Polynomial
from torch import Tensor, nn

from reunlearn.objectives._sampling import Sampler
from reunlearn.objectives.noise_prediction import NoisePrediction

OBJECTIVE = NoisePrediction(3, timesteps=20, beta_start=0.001, beta_end=0.15)
SHAPE = (1, 4, 4)


class Network(nn.Module):
    """Predicts something that depends on everything."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 16).view(1, 1, 4, 4))

    def forward(self, x: Tensor, timestep: Tensor, label: Tensor) -> Tensor:
        """Return [B, 1, 4, 4]."""
        shift = (label + 1).view(-1, 1, 1, 1) * 0.1 + timestep.view(-1, 1, 1, 1) * 0.01
        return torch.tanh(self.weight * x + shift)


def generators(count: int) -> list[torch.Generator]:
    """Return one generator per image."""
    return [torch.Generator().manual_seed(number) for number in range(count)]


def by_hand(label: int, number: int, sampler: Sampler) -> Tensor:
    """Return one image by Song et al. 2021, Eq. 12 and 16, in plain loops."""
    model, generator = Network(), torch.Generator().manual_seed(number)
    kept_T, jump = OBJECTIVE.kept.double(), OBJECTIVE.timesteps // sampler.steps
    x = torch.randn(SHAPE, generator=generator)[None].double()
    for step in reversed(range(sampler.steps)):
        t = step * jump
        kept, before = kept_T[t], kept_T[t - jump] if t else torch.tensor(1.0)
        time = torch.tensor([t])
        given = model(x.float(), time, torch.tensor([label])).double()
        null = model(x.float(), time, torch.tensor([3])).double()
        noise = (1 + sampler.guidance) * given - sampler.guidance * null
        image = (x - (1 - kept).sqrt() * noise) / kept.sqrt()
        if sampler.clip:
            image = image.clamp(-1, 1)
        sigma = sampler.eta * ((1 - before) / (1 - kept)).sqrt() * (1 - kept / before).sqrt()
        x = before.sqrt() * image + (1 - before - sigma**2).sqrt() * noise
        if sampler.eta:
            x = x + sigma * torch.randn(SHAPE, generator=generator)[None]
    return x[0]


def test_equals_the_formula() -> None:
    for sampler in (Sampler(SHAPE, 10, clip=False), Sampler(SHAPE, 20, eta=1.0, guidance=2.0, clip=False)):
        labels = torch.tensor([0, 2, 1])
        drawn = OBJECTIVE.sample(Network(), labels, generators(3), sampler)
        expected = torch.stack([by_hand(k, number, sampler) for number, k in enumerate(labels.tolist())])
        torch.testing.assert_close(drawn.double(), expected, rtol=1e-4, atol=1e-4)


def lms_by_hand(label: int, number: int, steps: int, guidance: float, order: int = 4) -> Tensor:
    """Return one image by integrating the polynomial through the last predictions, in plain loops."""
    model, generator = Network(), torch.Generator().manual_seed(number)
    kept_T = OBJECTIVE.kept.double().numpy()
    times = np.linspace(0, OBJECTIVE.timesteps - 1, steps)[::-1]
    sigma_T = np.sqrt((1 - kept_T) / kept_T)
    sigmas = [*np.interp(times, np.arange(OBJECTIVE.timesteps), sigma_T), 0.0]
    x = torch.randn(SHAPE, generator=generator)[None].double() * sigmas[0]
    slopes: list[Tensor] = []
    for step in range(steps):
        seen = (x / np.sqrt(sigmas[step] ** 2 + 1)).float()
        time = torch.tensor([times[step]], dtype=torch.float32)
        given, null = (model(seen, time, torch.tensor([k])).double() for k in (label, 3))
        slopes.append((1 + guidance) * given - guidance * null)
        used = range(max(0, step - order + 1), step + 1)
        for i in used:
            basis = Polynomial([1.0])
            for j in used:
                if j != i:
                    basis *= Polynomial([-sigmas[j], 1.0]) / (sigmas[i] - sigmas[j])
            whole = basis.integ()
            x = x + (whole(sigmas[step + 1]) - whole(sigmas[step])) * slopes[i]
    return x[0]


def test_lms_equals_the_formula() -> None:
    labels, sampler = torch.tensor([0, 2, 1]), Sampler(SHAPE, 10, guidance=1.0, clip=False, kind="lms")
    drawn = OBJECTIVE.sample(Network(), labels, generators(3), sampler)
    expected = torch.stack([lms_by_hand(k, number, 10, 1.0) for number, k in enumerate(labels.tolist())])
    torch.testing.assert_close(drawn.double(), expected, rtol=1e-3, atol=1e-3)
    straight = torch.stack(
        [lms_by_hand(k, number, 10, 1.0, order=1) for number, k in enumerate(labels.tolist())]
    )
    assert (drawn - straight).abs().max() > 1e-2, "control: the steps before count"


def test_clipping_is_of_the_predicted_image() -> None:
    sampler = Sampler(SHAPE, 20, guidance=5.0, clip=True)
    drawn = OBJECTIVE.sample(Network(), torch.tensor([0, 1]), generators(2), sampler)
    assert drawn.abs().max() <= 1
    free = OBJECTIVE.sample(
        Network(), torch.tensor([0, 1]), generators(2), Sampler(SHAPE, 20, guidance=5.0, clip=False)
    )
    assert free.abs().max() > 1, "control: without it they leave the range"


@pytest.mark.parametrize(
    "sampler",
    [Sampler(SHAPE, 10, eta=1.0, guidance=1.0), Sampler(SHAPE, 10, guidance=1.0, clip=False, kind="lms")],
    ids=["ddim", "lms"],
)
def test_an_image_is_the_same_whatever_its_batch(sampler: Sampler) -> None:
    labels = torch.tensor([0, 1, 2, 0, 1])
    together = OBJECTIVE.sample(Network(), labels, generators(5), sampler)
    alone = [OBJECTIVE.sample(Network(), labels[i : i + 1], [generators(5)[i]], sampler) for i in range(5)]
    assert torch.equal(together, torch.cat(alone))
    other = OBJECTIVE.sample(Network(), labels[:1], [torch.Generator().manual_seed(9)], sampler)
    assert not torch.equal(other, alone[0]), "control: another seed, another image"
