"""Noise prediction: a network learns to tell the noise in an image from the image, given timestep and class.

    x_t = √ᾱ_t x + √(1 − ᾱ_t) ε        ℓ = ‖ε̂(x_t, t, c) − ε‖²        Ho et al. 2020, Eq. 14

A draw is the noise ε, the timestep t and the class c of each sample; c is the null class K for the share of samples
whose label is dropped (classifier-free guidance, Ho and Salimans 2021). With guidance w the prediction is
(1 + w) ε̂(x_t, t, c) − w ε̂(x_t, t, K).

To teach something else than the truth about a sample is to teach it another class c̃, in one of two forms:

    relabelled: prediction      ‖ε̂(x_t, t, c) − ε̂(x_t, t, c̃)‖², no gradient through the second    SalUn, for DDPM and SD
    relabelled: noise           ‖ε̂(x_t, t, c̃) − ε‖²                                               SalUn, for DiT
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.objectives._noise_schedule import SCHEDULES, betas
from reunlearn.objectives._sampling import Sampler, sample
from reunlearn.objectives._wrong_labels import wrong_labels

MODALITIES = ("images",)
PRELOAD = ("reunlearn.data.diffusers_compat",)  # samples are drawn by its schedulers
NUMBERS = ("mask_guidance",)
CHOICES = {"schedule": SCHEDULES, "loss": ("mean", "sum"), "relabelled": ("prediction", "noise")}


@dataclass(frozen=True)
class Draw:
    """The randomness of one batch.

    Attributes:
        noise: ε [B, C, H, W].
        timestep: t [B] in 0 … T − 1.
        label: c [B], K where it is dropped.
        taught: c̃ [B] whose prediction is to be imitated; c where the truth is learned; None where it is everywhere.
    """

    noise: Tensor
    timestep: Tensor
    label: Tensor
    taught: Tensor | None = None


@dataclass(frozen=True)
class NoisePrediction:
    """Squared error of the predicted noise.

    Attributes:
        classes: K.
        timesteps: T, steps from an image to pure noise.
        schedule: of the variances β_t from beta_start to beta_end: linear, or scaled_linear (linear in √β).
        label_drop: share of samples whose class is dropped.
        loss: of a sample, the mean or the sum over its C·H·W values.
        antithetic: the second half of a batch's timesteps is T − 1 − t of the first half.
        relabelled: how another class is taught.
        mask_guidance: w of the predictions that masks are made from; without label drop.
        guidance: w of all predictions.
    """

    classes: int
    timesteps: int = 1000
    schedule: str = "linear"
    beta_start: float = 1e-4
    beta_end: float = 0.02
    label_drop: float = 0.1
    loss_of: str = "mean"
    antithetic: bool = False
    relabelled: str = "prediction"
    mask_guidance: float = 0.0
    guidance: float = 0.0

    capabilities = frozenset({"noise", "forget_target", "samples"})

    @property
    def null(self) -> int:
        """The class of a sample whose label is dropped."""
        return self.classes

    @property
    def variances(self) -> Tensor:
        """The variances β_t."""
        return betas(self.schedule, self.beta_start, self.beta_end, self.timesteps)

    @functools.cached_property
    def kept(self) -> Tensor:
        """ᾱ_t, the share of an image's variance that is left at t."""
        return torch.cumprod(1 - self.variances, dim=0)

    def for_masks(self) -> NoisePrediction:
        """Return the objective that masks are made from: guided predictions, no label is dropped."""
        return self.changed(label_drop=0.0, guidance=self.mask_guidance)

    def without_drop(self) -> NoisePrediction:
        """Return the objective with every label in its place."""
        return self.changed(label_drop=0.0)

    def changed(self, **changes: Any) -> NoisePrediction:
        """Return it with other settings."""
        return dataclasses.replace(self, **changes)

    def draw(self, batch: Batch, generator: torch.Generator, labels: Tensor | None = None) -> Draw:
        """Return fresh noise, timesteps and dropped labels, and the classes to learn, the true ones unless others are
        given. A sample that is taught another class keeps its label."""
        device, count = batch.x.device, len(batch)
        noise = torch.randn(batch.x.shape, generator=generator).to(device)
        timestep_B = self._timesteps(count, generator).to(device)
        label_B, taught_B = batch.y, None
        if labels is not None and self.relabelled == "noise":
            label_B = labels
        elif labels is not None:
            taught_B = labels
        if self.label_drop:
            dropped_B = (torch.rand(count, generator=generator) < self.label_drop).to(device)
            if labels is not None:
                dropped_B &= labels == batch.y
            label_B = torch.where(dropped_B, self.null, label_B)
        return Draw(noise, timestep_B, label_B, taught_B)

    def _timesteps(self, count: int, generator: torch.Generator) -> Tensor:
        if not self.antithetic:
            return torch.randint(0, self.timesteps, (count,), generator=generator)
        half = torch.randint(0, self.timesteps, (count // 2 + 1,), generator=generator)
        return torch.cat((half, self.timesteps - 1 - half))[:count]

    def noisy(self, x: Tensor, draw: Draw) -> Tensor:
        """Return x_t [B, C, H, W]."""
        kept = self.kept.to(x)[draw.timestep].view(-1, 1, 1, 1)
        return kept.sqrt() * x + (1 - kept).sqrt() * draw.noise

    def predict(self, model: nn.Module, x_t: Tensor, timestep_B: Tensor, label_B: Tensor) -> Tensor:
        """Return ε̂ [B, C, H, W], guided if the objective is; both halves in one forward pass."""
        if not self.guidance:
            return model(x_t, timestep_B, label_B)
        both = torch.cat((label_B, torch.full_like(label_B, self.null)))
        given, null = model(x_t.repeat(2, 1, 1, 1), timestep_B.repeat(2), both).chunk(2)
        return (1 + self.guidance) * given - self.guidance * null

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Draw) -> Tensor:
        """Return the squared error of each sample [B]."""
        x_t, target = self.noisy(batch.x, draw), draw.noise
        predicted = self.predict(model, x_t, draw.timestep, draw.label)
        if draw.taught is not None:
            target = self._with_taught(model, x_t, batch, draw)
        squares = (predicted - target).square().flatten(1)
        return squares.sum(dim=1) if self.loss_of == "sum" else squares.mean(dim=1)

    @torch.no_grad()
    def _with_taught(self, model: nn.Module, x_t: Tensor, batch: Batch, draw: Draw) -> Tensor:
        """Return the noise, and for samples of another class than their own what the model predicts for that class."""
        assert draw.taught is not None
        rows = (draw.taught != batch.y).nonzero().flatten()
        if not len(rows):
            return draw.noise
        target = draw.noise.to(x_t.dtype, copy=True)
        target[rows] = self.predict(model, x_t[rows], draw.timestep[rows], draw.taught[rows]).to(target)
        return target

    def loss(self, model: nn.Module, batch: Batch, draw: Draw) -> Tensor:
        """Return the mean over the batch."""
        return self.per_sample_loss(model, batch, draw).mean()

    def sample(
        self,
        model: nn.Module,
        label_B: Tensor,
        generators: list[torch.Generator],
        sampler: Sampler,
        *,
        taken: int | None = None,
    ) -> Tensor:
        """Return a sample [B, C, H, W] of each class, from noise of its own generator; see _sampling.sample."""
        return sample(
            self.changed(guidance=sampler.guidance), model, label_B, generators, sampler, taken=taken
        )

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Raise: there are no class probabilities."""
        raise TypeError(
            "noise prediction has no class probabilities; ask for the capability 'outputs' in the plan"
        )

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        """Return labels [B] that are not the truth; see wrong_labels."""
        return wrong_labels(batch.y, self.classes, kind, generator)

    def head(self, model: nn.Module) -> nn.Module:
        """Raise: there is no layer that gives one output per class."""
        raise TypeError("noise prediction has no head; ask for the capability 'head' in the plan")


def make(
    classes: int,
    label_smoothing: float = 0.0,
    logit_std: float = 0.0,
    *,
    timesteps: int = 1000,
    schedule: str = "linear",
    beta_start: float = 1e-4,
    beta_end: float = 0.02,
    label_drop: float = 0.1,
    loss: str = "mean",
    antithetic: bool = False,
    relabelled: str = "prediction",
    mask_guidance: float = 0.0,
) -> NoisePrediction:
    """Return the objective for a dataset with so many classes; there are no labels to be smoothed, and no logits."""
    return NoisePrediction(
        classes,
        timesteps=timesteps,
        schedule=schedule,
        beta_start=beta_start,
        beta_end=beta_end,
        label_drop=label_drop,
        loss_of=loss,
        antithetic=antithetic,
        relabelled=relabelled,
        mask_guidance=mask_guidance,
    )
