"""A small VAE learns images, leaves the global random state, and scales its latents."""

from __future__ import annotations

import pytest
import torch

from reunlearn.models._small_pipeline import TINY, make_vae
from reunlearn.training.small_vae import VAETraining, reconstruction_error, spread, train_vae


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Bright squares at random places."""
    generator = torch.Generator().manual_seed(0)
    made = -torch.ones(32, 1, 16, 16)
    for image, (top, left) in zip(made, torch.randint(0, 10, (32, 2), generator=generator), strict=True):
        image[:, top : top + 6, left : left + 6] = 1
    return made


def trained(images: torch.Tensor, steps: int, **options):
    torch.manual_seed(0)
    vae = make_vae(TINY)
    train_vae(vae, images, VAETraining(steps=steps, batch_size=8, learning_rate=1e-2), **options)
    return vae


def test_it_learns_and_its_latents_vary_by_one(images: torch.Tensor) -> None:
    untrained, errors = make_vae(TINY), []
    vae = trained(images, 20, progress=lambda step, error: errors.append((step, error)))
    assert [step for step, _ in errors] == list(range(1, 21)) and errors[-1][1] < errors[0][1]
    assert reconstruction_error(vae, images) < reconstruction_error(untrained, images) / 2
    assert vae.config.scaling_factor * spread(vae, images) == pytest.approx(1)
    assert untrained.config.scaling_factor * spread(untrained, images) != pytest.approx(1, abs=0.1), "control"


def test_the_seed_gives_its_weights_and_leaves_the_global_state(images: torch.Tensor) -> None:
    def weights(seed: int) -> torch.Tensor:
        return torch.cat([p.flatten() for p in trained(images, 2, seed=seed).parameters()])

    assert torch.equal(weights(0), weights(0)) and not torch.equal(weights(0), weights(1))
    torch.manual_seed(0)
    make_vae(TINY)
    state = torch.random.get_rng_state()
    trained(images, 2)
    assert torch.equal(torch.random.get_rng_state(), state)


@torch.no_grad()
def test_the_error_is_the_mean_over_all_images(images: torch.Tensor) -> None:
    vae = make_vae(TINY).eval()
    many = images.repeat(9, 1, 1, 1)[:270]  # more than are computed at once
    slow = [
        (vae.decode(vae.encode(x[None]).latent_dist.mode()).sample - x).square().mean() for x in many[:32]
    ]
    expected = sum(float(slow[n % 32]) for n in range(270)) / 270
    assert reconstruction_error(vae, many) == pytest.approx(expected, rel=1e-5)
