"""The Inception network of FID: what sets it apart from torchvision's, with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from reunlearn.base.errors import UserError
from reunlearn.data.torchvision_compat import models
from reunlearn.measures import _inception
from reunlearn.measures._inception import EARLY, LAST, SIDE, Inception, load, resized


@pytest.fixture(scope="module")
def network() -> Inception:
    torch.manual_seed(0)
    return Inception()


def slowly_resized(x_HW: torch.Tensor) -> torch.Tensor:
    """Return the image, output pixel by output pixel."""
    height, width = x_HW.shape
    out = torch.empty(SIDE, SIDE)
    for i in range(SIDE):
        for j in range(SIDE):
            y, x = i * height / SIDE, j * width / SIDE
            y0, x0 = int(y), int(x)
            y1, x1, dy, dx = min(y0 + 1, height - 1), min(x0 + 1, width - 1), y - y0, x - x0
            above = (1 - dx) * x_HW[y0, x0] + dx * x_HW[y0, x1]
            below = (1 - dx) * x_HW[y1, x0] + dx * x_HW[y1, x1]
            out[i, j] = (1 - dy) * above + dy * below
    return out


def test_images_are_resized_as_tensorflow_1_did() -> None:
    x_HW = torch.rand(5, 8, generator=torch.Generator().manual_seed(0)) * 255
    fast, slow = resized(x_HW[None, None])[0, 0], slowly_resized(x_HW)
    assert torch.allclose(fast, slow, atol=1e-3)
    halves = functional.interpolate(x_HW[None, None], (SIDE, SIDE), mode="bilinear", align_corners=False)[
        0, 0
    ]
    assert not torch.allclose(halves, slow, atol=1), "control: pixels at half places are others"


def test_pools_leave_out_the_padding_and_the_last_one_is_a_maximum(network: Inception) -> None:
    ones = torch.ones(1, 1, 4, 4)
    for name in ("Mixed_5b", "Mixed_5d", "Mixed_6b", "Mixed_6e", "Mixed_7b"):
        assert torch.allclose(getattr(network.network, name).pool(ones), ones), name
    assert not torch.allclose(functional.avg_pool2d(ones, 3, 1, 1), ones), (
        "control: torchvision's counts the padding"
    )
    falling = -torch.arange(16.0).view(1, 1, 4, 4)
    assert network.network.Mixed_7c.pool(falling)[0, 0, 3, 3] == falling[0, 0, 2, 2]
    assert network.network.Mixed_7b.pool(falling)[0, 0, 3, 3] < falling[0, 0, 2, 2]


@torch.no_grad()
def test_the_last_branch_of_a_block_reads_what_is_pooled(network: Inception) -> None:
    x = torch.rand(1, 192, 5, 5, generator=torch.Generator().manual_seed(0))
    block = network.network.Mixed_5b
    assert torch.equal(block(x)[:, -32:], block.branch_pool(block.pool(x)))
    theirs = models.inception.InceptionA(192, 32).eval()
    theirs.load_state_dict(block.state_dict())
    assert torch.equal(theirs(x)[:, :-32], block(x)[:, :-32])
    assert not torch.allclose(theirs(x)[:, -32:], block(x)[:, -32:])


@torch.no_grad()
def test_features_and_weights_from_a_file(network: Inception, tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in network.network.state_dict().items() if "tracked" not in name}
    save_file(state, tmp_path / "inception.safetensors")
    loaded = load(tmp_path / "inception.safetensors")
    x = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0)).float()
    early, last = network.early(x), network.last(x)
    assert early.shape == (2, EARLY) and last.shape == (2, LAST)
    assert torch.equal(loaded.early(x), early) and torch.equal(loaded.last(x), last)
    assert not torch.allclose(last[0], last[1])
    assert tuple(state["fc.weight"].shape) == _inception.LAYERS["fc.weight"]
    save_file({"fc.weight": state["fc.weight"]}, tmp_path / "part.safetensors")
    with pytest.raises(UserError, match=r"part.safetensors: other weights: it lacks Conv2d_1a_3x3"):
        load(tmp_path / "part.safetensors")
