"""Variances of the noise that is added step by step."""

from __future__ import annotations

import torch
from torch import Tensor

SCHEDULES = ("linear", "scaled_linear")


def betas(schedule: str, start: float, end: float, timesteps: int) -> Tensor:
    """Return β [T], float32: linear, or linear in √β (scaled_linear: latent diffusion, Rombach et al. 2022).

    Raises:
        ValueError: there is no such schedule.
    """
    if schedule == "linear":
        return torch.linspace(start, end, timesteps)
    if schedule == "scaled_linear":
        return torch.linspace(start**0.5, end**0.5, timesteps).square()
    raise ValueError(f"no schedule '{schedule}'; known: {', '.join(SCHEDULES)}")
