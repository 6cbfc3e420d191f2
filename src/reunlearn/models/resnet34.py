"""ResNet-34 with a 3×3 stem, for 32×32 images (He et al. 2016, with the stem of the CIFAR networks)."""

from __future__ import annotations

from torch import nn

from reunlearn.models._residual import ResidualNetwork

ALONE = 9  # on smaller images BatchNorm gets a single pixel of each sample
MAPS = True


def build(shape: tuple[int, int, int], classes: int, width: int = 64) -> nn.Module:
    """Return the network; `width` channels in the first stage (64 in the paper, 21,282,122 parameters)."""
    return ResidualNetwork(shape[0], classes, width, (3, 4, 6, 3))
