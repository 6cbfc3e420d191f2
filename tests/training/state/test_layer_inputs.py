"""The state that PGU keeps of training: what is written, and that it can be read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Samples
from reunlearn.data.images import ImageSamples
from reunlearn.training.state import layer_inputs
from tests.training.state.requests import request


def samples(augmentation: tuple[str, ...] = ()) -> Samples:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (300, 1, 4, 4)).astype(np.uint8)
    y = rng.integers(0, 3, 300)
    return ImageSamples(x, y, np.arange(300), (0.5,), (0.25,), augmentation=Augmentation(augmentation))


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 2, 3, padding=1, stride=2), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(8, 3))


def written(folder: Path, model: nn.Module, given: Samples, seed: int = 1) -> dict[str, torch.Tensor]:
    layer_inputs.write(request(folder, model, given, 3, seed))
    return layer_inputs.read(folder)


def test_moments_of_the_whole_training_set_in_evaluation_mode(tmp_path: Path) -> None:
    model = network()
    buffers = {k: v.clone() for k, v in model.state_dict().items()}
    found = written(tmp_path, model, samples())
    x = samples().take(slice(None)).x
    rows = nn.functional.unfold(x, 3, padding=1).transpose(1, 2).reshape(-1, 9).double()
    with torch.no_grad():
        inner = model.eval()[:4](x).double()
    assert {n: m.dtype for n, m in found.items()} == {"0": torch.float64, "4": torch.float64}
    exact = rows.T @ rows
    assert torch.allclose(found["0"], exact, rtol=0, atol=1e-5 * float(exact.max()))
    assert torch.allclose(found["4"], inner.T @ inner, rtol=1e-5)
    assert all(torch.equal(v, buffers[k]) for k, v in model.state_dict().items()), "the model is only watched"
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_augmentation_follows_the_seed(tmp_path: Path) -> None:
    """The control of the test above, too: augmented images give other moments."""
    plain = written(tmp_path / "plain", network(), samples())["0"]
    first, again, other = (
        written(tmp_path / f"{i}", network(), samples(("flip", "crop")), seed)["0"]
        for i, seed in enumerate((1, 1, 2))
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, rtol=1e-3)
    assert not torch.allclose(first, plain, rtol=1e-3)
