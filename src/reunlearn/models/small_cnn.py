"""A small convolutional network for 8×8 images: three 3×3 blocks with BatchNorm, mean pooling, a linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from reunlearn.models._pooling import pooled

ALONE = 3  # on smaller images BatchNorm gets a single pixel of each sample
MAPS = True


class SmallCNN(nn.Module):
    """x [B, C, H, W] → logits [B, K]."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(channels, width, 1),
            *_block(width, 2 * width, 2),
            *_block(2 * width, 2 * width, 1),
        )
        self.head = nn.Linear(2 * width, classes)

    def classify(self, features: Tensor) -> Tensor:
        """Return logits [B, K] from feature maps: mean pooling and the linear layer."""
        return self.head(pooled(features))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.classify(self.features(x))


def _block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def build(shape: tuple[int, int, int], classes: int, width: int = 32) -> nn.Module:
    """Return the network for images of this shape; `width` channels in the first block."""
    return SmallCNN(shape[0], classes, width)
