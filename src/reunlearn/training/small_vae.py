"""Train a small VAE: the autoencoder of latent diffusion (Rombach et al. 2022) without its discriminator.

ℓ = mean (x − x̂)² + w KL(q(z | x) ‖ N(0, I)) / values of z
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reunlearn.training.randomness import seeded


@dataclass(frozen=True)
class VAETraining:
    """How a small VAE is trained, by Adam whose rate rises in a tenth of the steps and falls to 0.

    Attributes:
        steps: optimizer steps.
        batch_size: images per step.
        learning_rate: the largest.
        kl_weight: w.
    """

    steps: int = 300
    batch_size: int = 64
    learning_rate: float = 6e-3
    kl_weight: float = 1e-3


def train_vae(
    vae: Any,
    images_NCHW: Tensor,
    training: VAETraining,
    seed: int = 0,
    progress: Callable[[int, float], None] = lambda step, error: None,
) -> None:
    """Train a VAE of diffusers in place; then its scaling factor makes latents of the images vary by 1.

    Args:
        vae: untrained.
        images_NCHW: in ±1.
        training: how.
        seed: of batches and draws; the global random state is left as it was.
        progress: called after each step with its number and the error of the images.
    """
    optimizer = torch.optim.Adam(vae.parameters(), lr=training.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=training.steps, pct_start=0.1
    )
    vae.train()
    with seeded(seed, "vae"):
        for step in range(training.steps):
            x = images_NCHW[torch.randint(len(images_NCHW), (training.batch_size,))]
            posterior = vae.encode(x).latent_dist
            z = posterior.sample()
            error = (vae.decode(z).sample - x).square().mean()
            loss = error + training.kl_weight * posterior.kl().mean() / z[0].numel()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            progress(step + 1, error.item())
    vae.eval()
    vae.register_to_config(scaling_factor=1 / spread(vae, images_NCHW))


@torch.no_grad()
def spread(vae: Any, images_NCHW: Tensor) -> float:
    """Return the standard deviation of the latents' means over images, places and channels."""
    means = torch.cat([vae.encode(x).latent_dist.mean for x in images_NCHW.split(256)])
    return means.std().item()


@torch.no_grad()
def reconstruction_error(vae: Any, images_NCHW: Tensor) -> float:
    """Return the mean squared error of images that go through the latents' means."""
    errors = [
        (vae.decode(vae.encode(x).latent_dist.mean).sample - x).square().mean() * len(x)
        for x in images_NCHW.split(256)
    ]
    return torch.stack(errors).sum().item() / len(images_NCHW)
