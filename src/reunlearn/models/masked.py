"""Another network with a learned mask that assigns its last feature maps to classes (ERM-KTP, Lin et al. 2023).

    f = features(x)                      [B, C, h, w], before pooling
    z = classify(f)                      the ordinary logits: forward(x)
    z̃ = classify(M[:, y] · f)            the masked logits: forward(x, y); M [C, K], initially ½ everywhere

Masked training runs `forward(x, y)` in some epochs and `forward(x)` in the others, adds its regulariser on `mask`
to the loss, and keeps `mask` within [0, 1] after each step. A training that never runs `forward(x, y)` leaves M
unchanged, because no gradient reaches it. With the same seed the body has the same initial weights, to the bit, as the
network of its name. ERM-KTP's code masks ResNet-20, ResNet-50 and ResNeXt-50; GDR-GMA's port to ResNet-18 is
unreleased.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.models.registry import gives_maps, make
from reunlearn.study.catalogue import plugin_names

ALONE = 9  # of the default body


class MaskedNetwork(nn.Module):
    """x [B, …] → logits [B, K]; where labels are given, the last feature maps are masked.

    Args:
        body: a network with `features`, `classify` and the linear layer `head`.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body: Any = body
        self.mask = nn.Parameter(torch.full((body.head.in_features, body.head.out_features), 0.5))

    @property
    def head(self) -> nn.Linear:
        """The last linear layer."""
        return self.body.head

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature maps [B, C, h, w], before pooling."""
        return self.body.features(x)

    def masked(self, features: Tensor, labels_N: Tensor) -> Tensor:
        """Return M[:, y] · f: feature maps [B, C, h, w], each multiplied with the mask of its sample's class."""
        return features * self.mask.T[labels_N][:, :, None, None]

    def classify(self, features: Tensor) -> Tensor:
        """Return logits [B, K] from feature maps."""
        return self.body.classify(features)

    def forward(self, x: Tensor, labels_N: Tensor | None = None) -> Tensor:
        """Return logits; with labels, those of the masked feature maps."""
        features = self.features(x)
        return self.classify(features if labels_N is None else self.masked(features, labels_N))


def build(
    shape: tuple[int, int, int], classes: int, body: str = "resnet18", width: int | None = None
) -> nn.Module:
    """Return the network `body` with a mask; `width` is a setting of the body, None keeps its default.

    Raises:
        UserError: there is no network of this name, or it does not give its last feature maps.
    """
    if not gives_maps(body):
        known = ", ".join(filter(gives_maps, plugin_names("models")))
        raise UserError(f"masked: '{body}' gives no feature maps to mask; these do: {known}")
    return MaskedNetwork(make(body, {} if width is None else {"width": width}, shape, classes))
