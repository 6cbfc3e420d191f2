"""DiT: its size, dropped labels, a learned variance, latents of a VAE, and folders that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.data.images import ImageSamples
from reunlearn.data.latents import LatentSamples
from reunlearn.models._latents import Coder
from reunlearn.models._small_pipeline import TINY as TINY_PIPELINE
from reunlearn.models._small_pipeline import make_vae
from reunlearn.models.registry import build, coder
from reunlearn.study.specs import ArchitectureSpec

TINY = {"width": 32, "depth": 2, "heads": 4}


def network(**settings):
    return build(ArchitectureSpec(name="dit", settings={**TINY, **settings}), (1, 8, 8), 3, seed=0)


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained VAE in diffusers' layout: 1×16×16 images, 4×8×8 latents."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("vae")
    make_vae(TINY_PIPELINE).save_pretrained(folder, safe_serialization=True)
    return folder


def test_predicts_the_noise_of_each_sample() -> None:
    model = network().eval()
    x, timestep = torch.randn(4, 1, 8, 8), torch.tensor([0, 5, 900, 5])
    with torch.no_grad():
        assert model(x, timestep, torch.tensor([0, 1, 2, 3])).shape == x.shape
    assert network(learned_variance=False)(x, timestep, torch.tensor([0, 1, 2, 3])).shape == x.shape


def test_no_block_drops_labels_by_itself() -> None:
    """In training mode two passes are the same; diffusers' own drops one label in ten in each block."""
    model = network().train()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x, timestep, label = torch.randn(64, 1, 8, 8), torch.zeros(64, dtype=torch.int64), torch.zeros(64).long()
    assert torch.equal(model(x, timestep, label), model(x, timestep, label))
    for module in model.modules():
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.5
    assert not torch.equal(model(x, timestep, label), model(x, timestep, label)), "control"


def test_what_does_not_divide_is_refused() -> None:
    for settings in ({"heads": 5}, {"patch": 3}):
        with pytest.raises(UserError, match="must divide"):
            network(**settings)


def test_latents_are_those_of_the_vae(vae: Path) -> None:
    made = coder(ArchitectureSpec(name="dit", settings={**TINY, "vae": str(vae)}), "cpu")
    assert made is not None and coder(ArchitectureSpec(name="dit", settings=TINY), "cpu") is None
    x = np.random.default_rng(0).integers(0, 256, (5, 1, 16, 16)).astype(np.uint8)
    images = ImageSamples(x, np.arange(5), np.arange(5), (0.5,), (0.5,))
    latents = LatentSamples(images, made.encode)
    batch = latents.take(slice(1, 4))
    assert batch.x.shape == (3, 4, 8, 8) and batch.y.tolist() == [1, 2, 3]
    expected = made.vae.encode(images.inputs(slice(1, 4))).latent_dist.mean * made.vae.config.scaling_factor
    torch.testing.assert_close(batch.x, expected)
    decoded = made.decode(batch.x)
    torch.testing.assert_close(decoded, made.vae.decode(expected / made.vae.config.scaling_factor).sample)
    assert not batch.x.requires_grad and not any(p.requires_grad for p in made.vae.parameters())


def test_folders_that_are_no_vae_are_refused(vae: Path, tmp_path: Path) -> None:
    def refused(words: str) -> None:
        with pytest.raises(UserError, match=words) as caught:
            Coder.read(str(tmp_path / "vae"), "cpu")
        assert "\n" not in str(caught.value)

    refused("no such folder")
    (tmp_path / "vae").mkdir()
    refused("no config.json")
    (tmp_path / "vae/config.json").write_bytes((vae / "config.json").read_bytes())
    refused("it holds no weights")
    (tmp_path / "vae/diffusion_pytorch_model.bin").write_bytes(b"x")
    refused("diffusion_pytorch_model.bin is a pickle, which is never opened")
