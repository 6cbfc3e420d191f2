"""Vision Transformer (Dosovitskiy et al. 2021), torchvision's; ViT-B/16 by default.

The positions are learned for one image size: that of the data, after resizing. The last layer starts at zero, as in
torchvision, so that in the first step no other layer gets a gradient. There is no stochastic depth. Attention is
computed by plain products and a softmax, because torch's fused kernels have no second derivative, which LUR needs.
"""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.models._pretrained import Official, load

PRETRAINED = Official(
    "vit_b_16-c867db91.pth", "https://download.pytorch.org/models/vit_b_16-c867db91.pth", head="heads.head"
)
MULTIPLES = {"side": "patch", "width": "heads"}


def build(
    shape: tuple[int, int, int],
    classes: int,
    *,
    patch: int = 16,
    width: int = 768,
    depth: int = 12,
    heads: int = 12,
    dropout: float = 0.0,
    pretrained: str | None = None,
) -> nn.Module:
    """Return the network for square images (85,806,346 parameters at 224×224 pixels and 10 classes).

    Args:
        shape: channels, height, width of the images.
        classes: number of outputs.
        patch: height and width of a patch, in pixels.
        width: length of a token; the inner layer of each block has four times as many units.
        depth: number of blocks.
        heads: number of attention heads of each block.
        dropout: share of activations dropped in each block.
        pretrained: "cache" or a path; the official weights are those of ViT-B/16 at 224×224 pixels.

    Raises:
        UserError: the images are not square.
    """
    channels, high, wide = shape
    if high != wide:
        raise UserError(f"vit: {high}×{wide} pixels are no square; a recipe can 'resize' them")
    from reunlearn.data.torchvision_compat import models

    model = models.VisionTransformer(
        image_size=high,
        patch_size=patch,
        num_layers=depth,
        num_heads=heads,
        hidden_dim=width,
        mlp_dim=4 * width,
        dropout=dropout,
        num_classes=classes,
    )
    if channels != 3:
        model.conv_proj = _first_layer(channels, width, patch)
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.register_forward_pre_hook(_ask_for_weights, with_kwargs=True)
    return load(model, pretrained, PRETRAINED) if pretrained else model


def _first_layer(channels: int, width: int, patch: int) -> nn.Conv2d:
    """Return the layer that turns patches into tokens, initialised as torchvision does."""
    layer = nn.Conv2d(channels, width, patch, stride=patch)
    nn.init.trunc_normal_(layer.weight, std=math.sqrt(1 / (channels * patch**2)))
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _ask_for_weights(_: nn.Module, inputs: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Make torch return the attention weights too, which it computes without a fused kernel."""
    return inputs, options | {"need_weights": True, "average_attn_weights": False}
