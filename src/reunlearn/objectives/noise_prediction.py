"""Noise prediction: a network learns to tell the noise in an image from the image, given timestep and class.

    x_t = √ᾱ_t x + √(1 − ᾱ_t) ε        L = mean (ε̂(x_t, t, y) − ε)²        Ho et al. 2020, Eq. 14

A draw is the noise ε, the timestep t and the class y of each sample. To teach something else than the truth about a
sample is to give it another class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.objectives._wrong_labels import wrong_labels

MODALITIES = ("images",)
BETAS = (0.001, 0.15)  # first and last variance of the linear schedule


@dataclass(frozen=True)
class Draw:
    """The randomness of one batch: noise [B, C, H, W], timestep [B] in 0 … T − 1, class [B]."""

    noise: Tensor
    timestep: Tensor
    label: Tensor


class NoisePrediction:
    """Mean squared error of the predicted noise.

    Args:
        classes: number of classes K.
        timesteps: T, steps from an image to pure noise.
    """

    capabilities = frozenset({"noise", "forget_target"})

    def __init__(self, classes: int, timesteps: int = 50) -> None:
        self.classes, self.timesteps = classes, timesteps
        self.kept_T = torch.cumprod(1 - torch.linspace(*BETAS, timesteps), dim=0)  # ᾱ_t

    def draw(self, batch: Batch, generator: torch.Generator, labels: Tensor | None = None) -> Draw:
        """Return fresh noise and timesteps, and the classes to learn, the true ones unless others are given."""
        noise = torch.randn(batch.x.shape, generator=generator)
        timestep_B = torch.randint(0, self.timesteps, (len(batch),), generator=generator)
        label_B = batch.y if labels is None else labels
        return Draw(noise.to(batch.x.device), timestep_B.to(batch.x.device), label_B)

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Draw) -> Tensor:
        """Return the mean squared error of each sample [B]."""
        kept = self.kept_T.to(batch.x)[draw.timestep].view(-1, 1, 1, 1)
        noisy = kept.sqrt() * batch.x + (1 - kept).sqrt() * draw.noise
        error = model(noisy, draw.timestep, draw.label) - draw.noise
        return error.square().flatten(1).mean(dim=1)

    def loss(self, model: nn.Module, batch: Batch, draw: Draw) -> Tensor:
        """Return the mean over the batch."""
        return self.per_sample_loss(model, batch, draw).mean()

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Raise: there are no class probabilities."""
        raise TypeError(
            "noise prediction has no class probabilities; ask for the capability 'outputs' in the plan"
        )

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        """Return labels [B]: `random_label` uniform over all classes, `other_label` over all but the true one."""
        return wrong_labels(batch.y, self.classes, kind, generator)

    def head(self, model: nn.Module) -> nn.Module:
        """Raise: there is no layer that gives one output per class."""
        raise TypeError("noise prediction has no head; ask for the capability 'head' in the plan")


def make(
    classes: int, label_smoothing: float = 0.0, logit_std: float = 0.0, timesteps: int = 50
) -> NoisePrediction:
    """Return the objective for a dataset with so many classes; there are no labels to be smoothed, and no logits."""
    return NoisePrediction(classes, timesteps)
