"""SmallVGG, as PGU trains it on 32×32 images: three convolutions, Dropout, one hidden layer.

Each convolution halves height and width. BatchNorm follows the pooling in the first two blocks and precedes it
in the third. The number of inputs of the hidden layer follows from the image size: 8192 at 32×32 pixels.
"""

from __future__ import annotations

from torch import Tensor, nn

ALONE = None  # the hidden layer's BatchNorm needs several samples
SIDES = (8, None)  # three halvings leave at least one pixel


class SmallVGG(nn.Module):
    """x [B, C, H, W] → logits [B, K]; in training mode B > 1, for the BatchNorm of the hidden layer."""

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int, dropout: float) -> None:
        super().__init__()
        channels, high, wide = shape
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(2 * width),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(4 * width),
            nn.MaxPool2d(2),
        )
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(4 * width * (high // 8) * (wide // 8), 4 * width)
        self.bn = nn.BatchNorm1d(4 * width)
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        hidden = self.hidden(self.dropout(self.features(x).flatten(1)))
        return self.head(self.bn(hidden.relu()))


def build(shape: tuple[int, int, int], classes: int, width: int = 128, dropout: float = 0.5) -> nn.Module:
    """Return the network; `width` channels in the first block (128 in the paper, 5,681,674 parameters)."""
    return SmallVGG(shape, classes, width, dropout)
