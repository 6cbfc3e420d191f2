"""A class-conditional denoiser for 8×8 images: the smallest objective that is not classification.

A draw is the noise and the timestep of each sample; the loss is the squared error of the noise that the network
predicts from x_t = √ᾱ_t x + √(1 − ᾱ_t) noise, t and the class (Ho et al. 2020, Eq. 14).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch

TIMESTEPS = 50


@dataclass(frozen=True)
class Draw:
    """The randomness of one batch: noise as the images, timestep [B] in 0 … TIMESTEPS − 1."""

    noise: Tensor
    timestep: Tensor


class Denoiser:
    """Mean squared error of predicted noise."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.kept = torch.cumprod(1 - torch.linspace(0.001, 0.15, TIMESTEPS), dim=0)  # ᾱ_t

    def draw(self, batch: Batch, generator: torch.Generator) -> Draw:
        """Return fresh noise and timesteps."""
        noise = torch.randn(batch.x.shape, generator=generator)
        timestep = torch.randint(0, TIMESTEPS, (len(batch),), generator=generator)
        return Draw(noise.to(batch.x.device), timestep.to(batch.x.device))

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Draw) -> Tensor:
        """Return the mean squared error of each sample [B]."""
        kept = self.kept.to(batch.x.device)[draw.timestep].view(-1, 1, 1, 1)
        noisy = kept.sqrt() * batch.x + (1 - kept).sqrt() * draw.noise
        error = model(noisy, draw.timestep, batch.y) - draw.noise
        return error.square().flatten(1).mean(dim=1)

    def loss(self, model: nn.Module, batch: Batch, draw: Draw) -> Tensor:
        """Return the mean over the batch."""
        return self.per_sample_loss(model, batch, draw).mean()


class NoisePredictor(nn.Module):
    """x_t [B, 1, 8, 8], timestep [B], class [B] → noise [B, 1, 8, 8]."""

    def __init__(self, classes: int, width: int = 96) -> None:
        super().__init__()
        self.classes = classes
        self.time = nn.Embedding(TIMESTEPS, width)
        self.kind = nn.Embedding(classes, width)
        self.enter = nn.Linear(64, width)
        self.inner = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 64))

    def forward(self, x: Tensor, timestep: Tensor, kind: Tensor) -> Tensor:
        """Return the predicted noise."""
        flat = x.flatten(1)
        hidden = self.enter(flat) + self.time(timestep) + self.kind(kind)
        return self.inner(functional.layer_norm(hidden, hidden.shape[1:])).view(x.shape)
