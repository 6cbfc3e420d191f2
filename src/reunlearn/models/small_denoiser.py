"""A class-conditional noise predictor for small images: two linear layers around embeddings of timestep and class.

Samplers may ask for timesteps between whole ones: the nearest one answers.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

OBJECTIVES = ("noise_prediction",)
SIDES = (1, 32)


class SmallDenoiser(nn.Module):
    """x_t [B, C, H, W], timestep [B], class [B] → predicted noise [B, C, H, W]."""

    def __init__(self, shape: tuple[int, ...], classes: int, width: int, timesteps: int) -> None:
        super().__init__()
        pixels = math.prod(shape)
        self.time = nn.Embedding(timesteps, width)
        self.label = nn.Embedding(classes + 1, width)  # the last one: no class
        self.enter = nn.Linear(pixels, width)
        self.inner = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, pixels))

    def forward(self, x: Tensor, timestep: Tensor, label: Tensor) -> Tensor:
        """Return the predicted noise."""
        hidden = self.enter(x.flatten(1)) + self.time(timestep.round().long()) + self.label(label)
        return self.inner(functional.layer_norm(hidden, hidden.shape[1:])).reshape(x.shape)


def build(shape: tuple[int, ...], classes: int, width: int = 96, timesteps: int = 1000) -> SmallDenoiser:
    """Return the network; `timesteps` as the objective's."""
    return SmallDenoiser(shape, classes, width, timesteps)
