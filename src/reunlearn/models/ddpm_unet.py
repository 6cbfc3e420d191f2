"""The U-Net of DDPM (Ho et al. 2020) with a class embedding, from diffusers: it predicts the noise in an image.

Classes are added to the time embedding, the null class of guidance is one more. The released code of SFR-on and SalUn
has an MLP of its own for classes and joins both embeddings in each block: its weights do not fit here.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from reunlearn.base.errors import UserError

OBJECTIVES = ("noise_prediction",)
PRELOAD = ("reunlearn.data.diffusers_compat",)
SIDES = (4, None)
TOGETHER = 4  # channels of the first level that GroupNorm takes together: 32 groups of 128


class DDPMUNet(nn.Module):
    """x_t [B, C, H, W], timestep [B], class [B] in 0 … K (K: none) → predicted noise [B, C, H, W]."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet: nn.Module = unet

    def forward(self, x: Tensor, timestep: Tensor, label: Tensor) -> Tensor:
        """Return the predicted noise."""
        return self.unet(x, timestep, class_labels=label).sample


def build(
    shape: tuple[int, int, int],
    classes: int,
    *,
    width: int = 128,
    multipliers: str = "1-2-2-2",
    blocks: int = 2,
    attention: str = "16",
    dropout: float = 0.1,
) -> DDPMUNet:
    """Return the network (35,751,939 parameters for 10 classes of 32×32 images).

    Args:
        shape: C, H, W of the images.
        classes: K.
        width: channels of the first level.
        multipliers: channels of each level in widths; each level after the first halves the side.
        blocks: residual blocks of a level.
        attention: sides of the levels with self-attention.
        dropout: in residual blocks.
    """
    from reunlearn.data.diffusers_compat import diffusers  # here: the catalogue knows the network without it

    factors, sides = numbers("multipliers", multipliers), numbers("attention", attention)
    levels = [shape[1] // 2**level for level in range(len(factors))]
    if shape[1] % 2 ** (len(factors) - 1):
        raise UserError(
            f"ddpm_unet halves {shape[1]} pixels {len(factors) - 1} times; give fewer multipliers"
        )
    attends = [side in sides for side in levels]
    channels = [factor * width for factor in factors]
    return DDPMUNet(
        diffusers.UNet2DModel(
            sample_size=shape[1],
            in_channels=shape[0],
            out_channels=shape[0],
            block_out_channels=channels,
            layers_per_block=blocks,
            down_block_types=[f"{'Attn' if attend else ''}DownBlock2D" for attend in attends],
            up_block_types=[f"{'Attn' if attend else ''}UpBlock2D" for attend in reversed(attends)],
            norm_num_groups=max(1, width // TOGETHER),
            norm_eps=1e-6,
            attention_head_dim=None,
            dropout=dropout,
            num_class_embeds=classes + 1,
        )
    )


def numbers(name: str, text: str) -> list[int]:
    """Return the whole numbers that hyphens separate; an empty text has none.

    Raises:
        UserError: it holds something else.
    """
    parts = [part for part in str(text).split("-") if part]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UserError(f"ddpm_unet: {name} is '{text}'; write numbers with hyphens, such as 1-2-2")
    return [int(part) for part in parts]
