"""Samples of a noise predictor: by DDIM, or by a linear multistep method of order 4 (LMS).

    ddim    Song et al. 2021, Eq. 12: η = 0 without noise, η = 1 nearly ancestral
    lms     dx/dσ = ε̂ with σ² = (1 − ᾱ)/ᾱ, by the polynomial through the last four ε̂      Karras et al. 2022, Eq. 1

Each image has a generator of its own, so it is the same whatever the batch that it is computed in.
"""

from __future__ import annotations

import warnings
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
        steps: at most T.
        eta: η, how much noise is added again in each step.
        guidance: w; 0 is the plain prediction.
        clip: whether the predicted image is clipped to ±1 in each step.
        kind: ddim, or lms, which knows neither eta nor clip.
    """

    shape: tuple[int, ...]
    steps: int
    eta: float = 0.0
    guidance: float = 0.0
    clip: bool = True
    kind: str = "ddim"


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
    scheduler = _scheduler(objective, sampler)
    weight = next(model.parameters())
    x = _noise(generators, sampler.shape).to(weight) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps[:taken]:
        timestep_B = timestep.to(label_B.device).expand(len(label_B))
        seen = scheduler.scale_model_input(x, timestep)
        predicted = objective.predict(model, seen, timestep_B, label_B).to(weight)
        noise: dict[str, Any] = {}
        if sampler.eta:
            noise = {"eta": sampler.eta, "variance_noise": _noise(generators, sampler.shape).to(x)}
        x = scheduler.step(predicted, timestep, x, **noise).prev_sample
    return x


def _scheduler(objective: NoisePrediction, sampler: Sampler) -> Any:
    """Return diffusers' scheduler with its timesteps; it keeps what it needs of earlier steps: one for each batch."""
    from reunlearn.data.diffusers_compat import diffusers  # here: the catalogue knows objectives without it

    betas_T = objective.variances.numpy()
    scheduler: Any
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*copy keyword", DeprecationWarning)  # arrays of diffusers' LMS
        if sampler.kind == "lms":
            scheduler = diffusers.LMSDiscreteScheduler(objective.timesteps, trained_betas=betas_T)
        else:
            scheduler = diffusers.DDIMScheduler(
                objective.timesteps, trained_betas=betas_T, clip_sample=sampler.clip
            )
        scheduler.set_timesteps(sampler.steps)
    return scheduler


def _noise(generators: list[torch.Generator], shape: tuple[int, ...]) -> Tensor:
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators])
