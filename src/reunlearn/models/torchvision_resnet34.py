"""torchvision's ResNet-34 with a 7×7 stem and max-pooling (He et al. 2016; Scissorhands on face identities)."""

from __future__ import annotations

from torch import nn

from reunlearn.models._pretrained import Official
from reunlearn.models._torchvision_resnet import make

PRETRAINED = Official(
    "resnet34-b627a593.pth", "https://download.pytorch.org/models/resnet34-b627a593.pth", head="fc"
)
ALONE = 33  # on smaller images BatchNorm gets a single pixel of each sample


def build(shape: tuple[int, int, int], classes: int, pretrained: str | None = None) -> nn.Module:
    """Return the network; `pretrained` is "cache" or a path (21,289,802 parameters for 10 classes)."""
    return make("resnet34", shape, classes, PRETRAINED, pretrained)
