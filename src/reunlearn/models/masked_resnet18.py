"""ResNet-18 with a learned mask that assigns channels to classes (ERM-KTP, Lin et al. 2023).

    f = features(x)                      [B, C, h, w], before pooling
    z = W · pool(f) + b                  the ordinary logits: what forward returns
    z̃ = W · pool(M[:, y] · f) + b        the masked ones; M [C, K], each entry ½ at first

Masked training runs `classify(masked(features(x), y))` in some epochs and `forward` in the others, adds its
regulariser on `mask` to the loss, and keeps `mask` within [0, 1] after each step. A training that never runs the
masked features leaves M as it is: no gradient reaches it. The body is that of resnet18, to the bit, from the
same seed. ERM-KTP's code masks ResNet-20, ResNet-50 and ResNeXt-50; GDR-GMA's port to ResNet-18 is unreleased.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reunlearn.models._residual import ResidualNetwork

BLOCKS = (2, 2, 2, 2)


class MaskedResNet18(ResidualNetwork):
    """x [B, C, H, W] → logits [B, K], with a mask on the last feature maps at hand."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__(channels, classes, width, BLOCKS)
        self.mask = nn.Parameter(torch.full((self.head.in_features, classes), 0.5))

    def masked(self, features: Tensor, labels_N: Tensor) -> Tensor:
        """Return M[:, y] · f: feature maps [B, C, h, w] seen through the mask of each sample's class."""
        return features * self.mask.T[labels_N][:, :, None, None]


def build(shape: tuple[int, int, int], classes: int, width: int = 64) -> nn.Module:
    """Return the network; `width` channels in the first stage, 8 · width under the mask."""
    return MaskedResNet18(shape[0], classes, width)
