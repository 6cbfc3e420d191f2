"""torchvision's residual networks, with its 7×7 stem, its initialisation and its names of layers.

There is no setting `width`, because torchvision has none for these blocks; resnet18 and resnet34 have it.
"""

from __future__ import annotations

from torch import nn

from reunlearn.models._pretrained import Official, load


def make(
    name: str, shape: tuple[int, int, int], classes: int, official: Official, pretrained: str | None
) -> nn.Module:
    """Return torchvision's network of this name for images of this shape."""
    from reunlearn.data.torchvision_compat import models

    model = getattr(models, name)(num_classes=classes)
    if shape[0] != 3:
        model.conv1 = nn.Conv2d(shape[0], 64, 7, stride=2, padding=3, bias=False)
        # as torchvision does
        nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    return load(model, pretrained, official) if pretrained else model
