"""torchvision's ResNet-18 with a 7×7 stem and max-pooling (He et al. 2016; PGU trains it on 64×64 images)."""

from __future__ import annotations

from torch import nn

from reunlearn.models._pretrained import Official
from reunlearn.models._torchvision_resnet import make

PRETRAINED = Official(
    "resnet18-f37072fd.pth", "https://download.pytorch.org/models/resnet18-f37072fd.pth", head="fc"
)
ALONE = 33  # on smaller images BatchNorm gets a single pixel of each sample


def build(shape: tuple[int, int, int], classes: int, pretrained: str | None = None) -> nn.Module:
    """Return the network; `pretrained` is "cache" or a path (11,279,112 parameters for 200 classes)."""
    return make("resnet18", shape, classes, PRETRAINED, pretrained)
