"""The residual network for small images that ResNet-18 and ResNet-34 share.

A 3×3 stem without pooling, as the unlearning papers use ResNets (He et al. 2016) on 32×32 images.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from reunlearn.models._pooling import pooled


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with BatchNorm and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        inner = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(inner)) + self.shortcut(x), inplace=True)


class ResidualNetwork(nn.Module):
    """x [B, C, H, W] → logits [B, K].

    Args:
        channels: C.
        classes: K.
        width: channels of the first stage; each further stage has twice as many.
        blocks: number of blocks in each stage; every stage but the first halves height and width.
    """

    def __init__(self, channels: int, classes: int, width: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        layers: list[nn.Module] = []
        inputs = width
        for stage, count in enumerate(blocks):
            outputs = width * 2**stage
            layers.append(BasicBlock(inputs, outputs, 1 if stage == 0 else 2))
            layers += [BasicBlock(outputs, outputs, 1) for _ in range(count - 1)]
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, classes)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature maps [B, 8 · width, h, w], before pooling."""
        return self.layers(functional.relu(self.bn1(self.conv1(x)), inplace=True))

    def classify(self, features: Tensor) -> Tensor:
        """Return logits [B, K] from feature maps: mean pooling and the linear layer."""
        return self.head(pooled(features))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.classify(self.features(x))
