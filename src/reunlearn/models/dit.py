"""DiT (Peebles and Xie 2023), from diffusers: a transformer on patches that predicts the noise in an image or a latent.

The defaults are DiT-XL/2 of 256×256 images, whose latents a VAE makes (`vae`: its folder; without one the network works
on pixels). Each block of diffusers' DiT drops labels by itself, each other ones; here the objective drops them, for
all blocks at once. Of a learned variance only the noise is used: the loss of the variance is not part of the objective.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.models._latents import Coder
from reunlearn.models._pretrained import Official, load
from reunlearn.study.cards import Value

OBJECTIVES = ("noise_prediction",)
PRELOAD = ("reunlearn.data.diffusers_compat",)
FOLDERS: dict[str, tuple[str, ...]] = {"vae": ()}
PRETRAINED = Official(
    "diffusion_pytorch_model.safetensors",
    "https://huggingface.co/facebook/DiT-XL-2-256, folder transformer",
    head="",
)


class DiT(nn.Module):
    """x_t [B, C, H, W], timestep [B], class [B] in 0 … K (K: none) → predicted noise [B, C, H, W]."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.transformer: nn.Module = transformer

    def forward(self, x: Tensor, timestep: Tensor, label: Tensor) -> Tensor:
        """Return the predicted noise."""
        predicted: Tensor = self.transformer(x.contiguous(), timestep=timestep, class_labels=label).sample
        return predicted[:, : x.shape[1]]


def build(
    shape: tuple[int, int, int],
    classes: int,
    *,
    width: int = 1152,
    depth: int = 28,
    heads: int = 16,
    patch: int = 2,
    learned_variance: bool = True,
    vae: str | None = None,
    pretrained: str | None = None,
) -> DiT:
    """Return the network.

    Args:
        shape: C, H, W of the images, or of their latents where there is a VAE.
        classes: K.
        width: of a token.
        depth: blocks.
        heads: of attention; they divide the width.
        patch: side of a token in pixels; it divides the images' side.
        learned_variance: whether it has as many outputs more, for the variance.
        vae: folder of a VAE whose latents are learned; see `coder`.
        pretrained: "cache" or a path.
    """
    from reunlearn.data.diffusers_compat import diffusers  # here: the catalogue knows the network without it

    if width % heads or shape[1] % patch:
        raise UserError(
            f"dit: {heads} heads must divide the width {width}, and patches of {patch} the side {shape[1]}"
        )
    transformer: Any = diffusers.DiTTransformer2DModel(
        num_attention_heads=heads,
        attention_head_dim=width // heads,
        in_channels=shape[0],
        out_channels=shape[0] * (1 + learned_variance),
        num_layers=depth,
        sample_size=shape[1],
        patch_size=patch,
        num_embeds_ada_norm=classes,
    )
    for module in transformer.modules():
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    model = DiT(transformer)
    if pretrained:
        load(model.transformer, pretrained, PRETRAINED)
    return model


def coder(settings: Mapping[str, Value], device: str) -> Coder | None:
    """Return what turns images into latents and back; None where the network works on pixels."""
    folder = settings.get("vae")
    return Coder.read(str(folder), device) if folder else None
