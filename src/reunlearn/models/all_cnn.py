"""All-CNN (Springenberg et al. 2015) with BatchNorm, as PGU trains it on 32×32 images.

Eight convolutions without bias, each with BatchNorm and ReLU; two of them halve height and width. Mean pooling
over the whole map equals PGU's 8×8 pooling at 32×32 pixels, and allows other sizes.
"""

from __future__ import annotations

from torch import Tensor, nn

from reunlearn.models._pooling import pooled

ALONE = 5  # on smaller images BatchNorm gets a single pixel of each sample


class AllCNN(nn.Module):
    """x [B, C, H, W] → logits [B, K]."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        wide = 2 * width
        self.features = nn.Sequential(
            *_block(channels, width),
            *_block(width, width),
            *_block(width, wide, stride=2),
            *_block(wide, wide),
            *_block(wide, wide),
            *_block(wide, wide, stride=2),
            *_block(wide, wide),
            *_block(wide, wide, kernel=1),
        )
        self.head = nn.Linear(wide, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.head(pooled(self.features(x)))


def _block(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def build(shape: tuple[int, int, int], classes: int, width: int = 96) -> nn.Module:
    """Return the network; `width` channels in the first two layers (96 in the paper, 1,620,010 parameters)."""
    return AllCNN(shape[0], classes, width)
