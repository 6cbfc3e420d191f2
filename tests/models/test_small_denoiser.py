"""The noise predictor: what goes in and comes out, and that timestep and class tell it something."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reunlearn.models.registry import build, card
from reunlearn.study.specs import ArchitectureSpec

CLASSES, TIMESTEPS = 4, 5


def network(shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> nn.Module:
    settings = {"width": 6, "timesteps": TIMESTEPS}
    return build(ArchitectureSpec(name="small_denoiser", settings=settings), shape, CLASSES, seed)


def inputs(shape: tuple[int, int, int] = (1, 8, 8)) -> tuple[Tensor, Tensor, Tensor]:
    """Return images [3, C, H, W], timesteps [3] and classes [3]."""
    x_NCHW = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    return x_NCHW, torch.tensor([0, 2, 4]), torch.tensor([0, 1, 3])


def test_it_serves_noise_prediction_alone() -> None:
    facts = card("small_denoiser")
    assert facts["objectives"] == ("noise_prediction",)
    assert facts["inputs"] == "images"
    assert facts["settings"] == {"width": 96, "timesteps": 1000}


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7)])
def test_the_output_is_as_large_as_the_image(shape: tuple[int, int, int]) -> None:
    model, (x_NCHW, timestep_N, label_N) = network(shape), inputs(shape)
    noise_NCHW = model(x_NCHW, timestep_N, label_N)
    assert noise_NCHW.shape == x_NCHW.shape
    channels_last = x_NCHW.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model(channels_last, timestep_N, label_N), noise_NCHW)


def test_weights_follow_from_the_seed() -> None:
    first, again, other = (network(seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    assert not any(torch.equal(value, other[key]) for key, value in first.items())


def test_timestep_and_class_change_the_answer() -> None:
    model, (x_NCHW, timestep_N, label_N) = network(), inputs()
    noise_NCHW = model(x_NCHW, timestep_N, label_N)
    assert not torch.allclose(model(x_NCHW, (timestep_N + 1) % TIMESTEPS, label_N), noise_NCHW)
    assert not torch.allclose(model(x_NCHW, timestep_N, (label_N + 1) % CLASSES), noise_NCHW)


def test_a_backward_pass_reaches_every_parameter_and_there_are_second_derivatives() -> None:
    model = network()
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(model(*inputs()).square().sum(), parameters, create_graph=True)
    assert all(g.abs().sum() > 0 for g in gradients)
    seconds = torch.autograd.grad(sum(g.square().sum() for g in gradients), parameters)
    assert all(g.isfinite().all() for g in seconds)
