"""A frozen VAE between images and the latents that a generator learns (Rombach et al. 2022), from diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reunlearn.base.model_folders import check_folder


class Coder:
    """Images [B, C, H, W] in ±1 ↔ latents [B, c, h, w]: the mean of the posterior, scaled."""

    def __init__(self, vae: Any, device: str) -> None:
        self.vae = vae.to(device).eval().requires_grad_(False)
        self.scale = float(vae.config.scaling_factor)

    @classmethod
    def read(cls, folder: str, device: str) -> Coder:
        """Return the VAE of a folder.

        Raises:
            UserError: the folder is none of a VAE, or holds pickled weights alone.
        """
        from reunlearn.data.diffusers_compat import diffusers

        check_folder(folder, ())
        place = Path(folder).expanduser()
        vae = diffusers.AutoencoderKL.from_pretrained(place, local_files_only=True, use_safetensors=True)
        return cls(vae, device)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the latents of images."""
        latents: Tensor = self.vae.encode(x).latent_dist.mean * self.scale
        return latents

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Return the images of latents."""
        x: Tensor = self.vae.decode(latents / self.scale).sample
        return x
