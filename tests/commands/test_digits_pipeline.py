"""The pipeline for digits: made in few steps it can be loaded, and is never written over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reunlearn.commands.digits_pipeline import SIZES, pixels, run
from reunlearn.data.modalities import images
from reunlearn.data.prepared import Prepared
from reunlearn.data.sets.digits import CARD
from reunlearn.data.sets.registry import Source
from reunlearn.models.registry import build, coder
from reunlearn.study.load import load_recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.small_vae import VAETraining

FEW = VAETraining(steps=2, batch_size=4)


def test_it_is_made_loaded_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "models/digits"
    assert run(folder, FEW) == 0
    assert "mean squared error of test images through the VAE" in capsys.readouterr().out
    assert [path.name for path in folder.parent.iterdir()] == ["digits"]
    spec = ArchitectureSpec(name="stable_diffusion", settings={"folder": str(folder), "trained": False})
    vae = coder(spec, "cpu")
    assert vae is not None
    latents = vae.encode(torch.zeros(2, 1, SIZES.side, SIZES.side))
    model = build(spec, tuple(latents.shape[1:]), 10, seed=0, class_names=CARD.classes).eval()
    texts_KLD = model.texts
    assert texts_KLD.shape == (11, SIZES.tokens, SIZES.text)
    assert len({tuple(text.flatten().tolist()) for text in texts_KLD}) == 11, "no two captions are the same"
    with torch.no_grad():
        assert model(latents, torch.tensor([5, 5]), torch.tensor([3, 10])).shape == latents.shape
    weights = (folder / "vae/diffusion_pytorch_model.safetensors").read_bytes()
    assert run(folder, VAETraining(steps=3, batch_size=4)) == 0
    assert "is there already; remove it to make it again" in capsys.readouterr().out
    assert (folder / "vae/diffusion_pytorch_model.safetensors").read_bytes() == weights


def test_its_images_are_those_that_the_study_trains_on() -> None:
    data = CARD.load(Source(Path()))
    prepared = Prepared(data, CARD.classes, CARD.shape, CARD.mean, CARD.std)
    rows = (data.train_x, data.train_y[:5], torch.arange(5).numpy())
    x = images.samples(prepared, load_recipe("digits-text-to-image"), rows, "cpu").inputs(slice(0, 5))
    torch.testing.assert_close(pixels(data.train_x[:5]), x)
