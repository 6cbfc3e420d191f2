"""Samples of a noise predictor by DDIM (Song et al. 2021, Eq. 12): η = 0 without noise, η = 1 nearly ancestral.

Each image has a generator of its own, so it is the same whatever the batch that it is computed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from reunlearn.objectives.noise_prediction import NoisePrediction


@dataclass(frozen=True)
class Sampler:
    """How samples are drawn.

    Attributes:
        shape: C, H, W of what the network denoises.
        steps: of DDIM, at most T.
        eta: η, how much noise is added again in each step.
        guidance: w; 0 is the plain prediction.
        clip: whether the predicted image is clipped to ±1 in each step.
    """

    shape: tuple[int, ...]
    steps: int
    eta: float = 0.0
    guidance: float = 0.0
    clip: bool = True


@torch.no_grad()
def sample(
    objective: NoisePrediction,
    model: nn.Module,
    label_B: Tensor,
    generators: list[torch.Generator],
    sampler: Sampler,
    *,
    taken: int | None = None,
) -> Tensor:
    """Return a sample [B, C, H, W] of each class.

    Args:
        objective: guided as the sampler is.
        model: in evaluation mode; gives the predicted noise.
        label_B: classes, on the model's device.
        generators: of the CPU, one per image: it gives the first noise, then that of each step.
        sampler: how many steps, and of what kind.
        taken: steps after which to stop, on the way; all of them if None.
    """
    from reunlearn.data.diffusers_compat import diffusers  # here: the catalogue knows objectives without it

    scheduler: Any = diffusers.DDIMScheduler(
        objective.timesteps, trained_betas=objective.variances.numpy(), clip_sample=sampler.clip
    )
    scheduler.set_timesteps(sampler.steps)
    weight = next(model.parameters())
    x = _noise(generators, sampler.shape).to(weight)
    for timestep in scheduler.timesteps[:taken]:
        timestep_B = timestep.to(label_B.device).expand(len(label_B))
        predicted = objective.predict(model, x, timestep_B, label_B).to(weight)
        fresh = _noise(generators, sampler.shape).to(x) if sampler.eta else None
        x = scheduler.step(predicted, timestep, x, eta=sampler.eta, variance_noise=fresh).prev_sample
    return x


def _noise(generators: list[torch.Generator], shape: tuple[int, ...]) -> Tensor:
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators])
