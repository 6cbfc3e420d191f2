"""A small VAE learns images, leaves the global random state, and scales its latents."""

from __future__ import annotations

import copy

import pytest
import torch

from reunlearn.models._small_pipeline import TINY, make_vae
from reunlearn.training.small_vae import VAETraining, reconstruction_error, spread, train_vae

SHORT = VAETraining(steps=25, batch_size=8, learning_rate=1e-2)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Bright squares at random places."""
    generator = torch.Generator().manual_seed(0)
    made = -torch.ones(32, 1, 16, 16)
    for image, (top, left) in zip(made, torch.randint(0, 10, (32, 2), generator=generator), strict=True):
        image[:, top : top + 6, left : left + 6] = 1
    return made


def test_it_learns_and_its_latents_vary_by_one(images: torch.Tensor) -> None:
    torch.manual_seed(0)
    untrained = make_vae(TINY)
    vaes = [copy.deepcopy(untrained) for _ in range(3)]
    state, errors = torch.random.get_rng_state(), []
    train_vae(vaes[0], images, SHORT, progress=lambda step, error: errors.append((step, error)))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [step for step, _ in errors] == list(range(1, 26)) and errors[-1][1] < errors[0][1]
    before, after = (reconstruction_error(vae, images) for vae in (untrained, vaes[0]))
    assert after < before / 2
    assert vaes[0].config.scaling_factor * spread(vaes[0], images) == pytest.approx(1)
    assert untrained.config.scaling_factor * spread(untrained, images) != pytest.approx(1, abs=0.1)
    train_vae(vaes[1], images, SHORT)
    train_vae(vaes[2], images, SHORT, seed=1)
    first, again, other = (torch.cat([p.flatten() for p in vae.parameters()]) for vae in vaes)
    assert torch.equal(first, again) and not torch.equal(first, other)


@torch.no_grad()
def test_the_error_is_the_mean_over_all_images(images: torch.Tensor) -> None:
    vae = make_vae(TINY).eval()
    many = images.repeat(9, 1, 1, 1)[:270]  # more than are computed at once
    slow = [
        (vae.decode(vae.encode(x[None]).latent_dist.mode()).sample - x).square().mean() for x in many[:32]
    ]
    expected = sum(float(slow[n % 32]) for n in range(270)) / 270
    assert reconstruction_error(vae, many) == pytest.approx(expected, rel=1e-5)
