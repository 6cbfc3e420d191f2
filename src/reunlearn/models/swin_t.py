"""Swin Transformer, tiny (Liu et al. 2021), torchvision's; SFR-on trains it on images resized to 224×224.

Stochastic depth is torchvision's for this network: in training, each sample skips each branch of block i with
probability 0.2 · i / 11, i = 0 … 11. Set `drop_path` to 0 for a network whose training mode draws nothing.
"""

from __future__ import annotations

from torch import nn

from reunlearn.models._pretrained import Official, load

PRETRAINED = Official(
    "swin_t-704ceda3.pth", "https://download.pytorch.org/models/swin_t-704ceda3.pth", head="head"
)
SIDES = (4, None)  # one patch
HEADS = [3, 6, 12, 24]
MULTIPLES = {"width": HEADS[0]}


def build(
    shape: tuple[int, int, int],
    classes: int,
    width: int = 96,
    drop_path: float = 0.2,
    pretrained: str | None = None,
) -> nn.Module:
    """Return the network (27,673,154 parameters for 200 classes).

    Args:
        shape: channels, height, width of the images; any size.
        classes: number of outputs.
        width: length of a token in the first stage, a multiple of 3; each further stage doubles it.
        drop_path: the largest probability of stochastic depth.
        pretrained: "cache" or a path; the official weights have width 96.
    """
    from reunlearn.data.torchvision_compat import models

    model = models.SwinTransformer(
        patch_size=[4, 4],
        embed_dim=width,
        depths=[2, 2, 6, 2],
        num_heads=HEADS,
        window_size=[7, 7],
        stochastic_depth_prob=drop_path,
        num_classes=classes,
    )
    if shape[0] != 3:
        model.features[0][0] = nn.Conv2d(shape[0], width, 4, stride=4)
    return load(model, pretrained, PRETRAINED) if pretrained else model
