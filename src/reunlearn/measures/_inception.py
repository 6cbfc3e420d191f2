"""The Inception network of FID: that of 2015 (Szegedy et al. 2015, in the weights of 2015-12-05), not torchvision's.

Its blocks are torchvision's, but for what their fourth branch pools: an average over the pixels that there are, without
those of the padding, and in the last block a maximum. Its head tells 1,008 classes. Images of 0 … 255 are resized to
299 × 299 as TensorFlow 1 did (output pixel i lies at i · H/299), and become (x − 128)/128.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.base.errors import UserError
from reunlearn.data.torchvision_compat import models

SIDE = 299
LOGITS = 1008
LAYERS = {"fc.weight": (LOGITS, 2048)}  # what tells its weights from torchvision's
WORDS = (
    "it is the Inception network of FID, pt_inception-2015-12-05-6726825d.pth from "
    "https://github.com/mseitzer/pytorch-fid/releases, saved as .safetensors"
)
EARLY, LAST = 64, 2048  # features after the first and after the last pooling
Pool = Callable[[Tensor], Tensor]
_average: Pool = functools.partial(
    functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False
)
_largest: Pool = functools.partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)


def _pooling(block: Any) -> Any:
    """Return a block of torchvision's whose last branch pools by `pool`."""

    class Pooling(block):  # type: ignore[misc]
        pool: Pool = staticmethod(_average)

        def _forward(self, x: Tensor) -> list[Tensor]:
            return [*super()._forward(x)[:-1], self.branch_pool(self.pool(x))]

    return Pooling


class Inception(nn.Module):
    """Features of images; `early` alone is a small part of the work."""

    def __init__(self) -> None:
        super().__init__()
        of = models.inception
        blocks = [
            of.BasicConv2d,
            _pooling(of.InceptionA),
            of.InceptionB,
            _pooling(of.InceptionC),
            of.InceptionD,
            _pooling(of.InceptionE),
            of.InceptionAux,
        ]
        self.network = of.Inception3(LOGITS, aux_logits=False, inception_blocks=blocks, init_weights=False)
        self.network.Mixed_7c.pool = _largest
        self.eval()

    def early(self, x_NCHW: Tensor) -> Tensor:
        """Return features [N, 64] of images of 0 … 255 with three channels: after the first pooling."""
        return self._stem(x_NCHW).mean(dim=(2, 3))

    def last(self, x_NCHW: Tensor) -> Tensor:
        """Return features [N, 2048] of images of 0 … 255 with three channels: after the last pooling."""
        x = self._stem(x_NCHW)
        for name, layer in list(self.network.named_children())[4:]:
            x = layer(x)
            if name == "avgpool":
                break
        return x.flatten(1)

    def _stem(self, x_NCHW: Tensor) -> Tensor:
        net, x = self.network, (resized(x_NCHW.float()) - 128) / 128
        pooled: Tensor = net.maxpool1(net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(x))))
        return pooled


def resized(x_NCHW: Tensor) -> Tensor:
    """Return images of 299 × 299, bilinear: output pixel i lies at i · H/299, and at H − 1 where that is further."""
    places = [
        2 * (torch.arange(SIDE, device=x_NCHW.device) * (size / SIDE)) / max(size - 1, 1) - 1
        for size in x_NCHW.shape[2:]
    ]
    down, across = torch.meshgrid(*places, indexing="ij")
    grid = torch.stack((across, down), dim=-1).to(x_NCHW).expand(len(x_NCHW), -1, -1, -1)
    return functional.grid_sample(x_NCHW, grid, mode="bilinear", padding_mode="border", align_corners=True)


def load(path: Path) -> Inception:
    """Return the network with weights of the 2015 network from a safetensors file.

    Raises:
        UserError: the file holds other tensors.
    """
    model = Inception()
    missing, other = model.network.load_state_dict(load_file(path), strict=False)
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lacking or other:
        first = f"it lacks {lacking[0]}" if lacking else f"it has {other[0]}"
        raise UserError(f"{path}: other weights: {first}; {WORDS}")
    return model
