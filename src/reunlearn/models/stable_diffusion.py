"""The U-Net of a Stable Diffusion pipeline (Rombach et al. 2022) in a folder of diffusers' layout.

Text encoder and VAE stay as they are. A class is a caption that names it, the null class is the empty caption: their
embeddings are computed once, so that the network is asked as any other that is conditional on classes. With
`trained: false` only the configuration of the folder's U-Net is read: its weights are new, and a recipe trains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.base.model_folders import check_folder
from reunlearn.models._latents import Coder
from reunlearn.study.cards import Value

OBJECTIVES = ("noise_prediction",)
PRELOAD = ("reunlearn.data.diffusers_compat",)
CAPTIONED = True
COMES_TRAINED = {"trained": [True]}
FOLDERS = {"folder": ("unet", "vae", "text_encoder", "tokenizer")}
NAME = "{}"  # stands for a class in a caption


class StableDiffusion(nn.Module):
    """z_t [B, c, h, w], timestep [B], class [B] in 0 … K (K: none) → predicted noise [B, c, h, w].

    Args:
        unet: of diffusers.
        texts_KLD: embeddings of the captions, the empty one last.
        named_KL: tokens that name the class.
    """

    texts: Tensor
    named: Tensor

    def __init__(self, unet: Any, texts_KLD: Tensor, named_KL: Tensor) -> None:
        super().__init__()
        self.unet: nn.Module = unet
        self.register_buffer("texts", texts_KLD, persistent=False)
        self.register_buffer("named", named_KL, persistent=False)

    def forward(self, x: Tensor, timestep: Tensor, label: Tensor) -> Tensor:
        """Return the predicted noise."""
        predicted: Tensor = self.unet(x, timestep, encoder_hidden_states=self.texts[label]).sample
        return predicted


def build(
    shape: tuple[int, int, int],
    classes: int,
    *,
    class_names: tuple[str, ...] = (),
    folder: str = "",
    caption: str = "an image of a {}",
    trained: bool = True,
) -> StableDiffusion:
    """Return the pipeline's U-Net.

    Args:
        shape: c, h, w of the latents.
        classes: K.
        class_names: what captions call the classes.
        folder: of the pipeline.
        caption: with {} for the class.
        trained: with the U-Net's weights of the folder; otherwise with new ones.

    Raises:
        UserError: the folder is no such pipeline, the caption names no class, or a name is too long for it.
    """
    check_pipeline(folder, caption)
    from reunlearn.data.diffusers_compat import diffusers

    place, kind = Path(folder).expanduser(), diffusers.UNet2DConditionModel
    if trained:
        unet = kind.from_pretrained(place / "unet", local_files_only=True, use_safetensors=True)
    else:
        unet = kind.from_config(kind.load_config(place / "unet", local_files_only=True))
    if unet.config.in_channels != shape[0]:
        raise UserError(
            f"stable_diffusion: the U-Net in {folder} reads {unet.config.in_channels} channels, the VAE has {shape[0]}"
        )
    return StableDiffusion(unet, *_captions(place, caption, class_names))


def _captions(place: Path, caption: str, class_names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """Return the embeddings [K + 1, L, D] of all captions, the empty one last, and which tokens name the class."""
    tokenizer, encoder = _text_parts(place)
    length = tokenizer.model_max_length
    texts = [*(caption.replace(NAME, name) for name in class_names), ""]
    named_KL = torch.zeros((len(texts), length), dtype=torch.bool)
    for k, name in enumerate(class_names):
        before = tokenizer(caption.split(NAME)[0].rstrip(), add_special_tokens=False).input_ids
        own = tokenizer(name, add_special_tokens=False).input_ids
        end = 1 + len(before) + len(own)  # after the token that begins a text
        if not own or end >= length:
            raise UserError(f"stable_diffusion: '{name}' does not fit into a caption of {length} tokens")
        named_KL[k, 1 + len(before) : end] = True
    return _embedded(texts, tokenizer, encoder), named_KL


def with_prompts(
    network: StableDiffusion, settings: Mapping[str, Value], texts: Sequence[str]
) -> StableDiffusion:
    """Return the same U-Net with texts as its classes; what is longer than a caption can be is cut off, as is usual."""
    tokenizer, encoder = _text_parts(Path(str(settings["folder"])).expanduser())
    texts_KLD = _embedded([*texts, ""], tokenizer, encoder).to(network.texts)
    nowhere_KL = torch.zeros(texts_KLD.shape[:2], dtype=torch.bool, device=network.named.device)
    return StableDiffusion(network.unet, texts_KLD, nowhere_KL).train(network.training)


def _text_parts(place: Path) -> tuple[Any, Any]:
    """Return the pipeline's tokenizer and text encoder."""
    from reunlearn.data.diffusers_compat import transformers

    tokenizer = transformers.CLIPTokenizer.from_pretrained(place / "tokenizer", local_files_only=True)
    encoder = transformers.CLIPTextModel.from_pretrained(
        place / "text_encoder", local_files_only=True, use_safetensors=True
    )
    return tokenizer, encoder.eval()


@torch.no_grad()
def _embedded(texts: Sequence[str], tokenizer: Any, encoder: Any) -> Tensor:
    """Return the embeddings [K, L, D] of texts."""
    length = tokenizer.model_max_length
    tokens = tokenizer(
        list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    embedded: Tensor = encoder(tokens.input_ids)[0]
    return embedded


def coder(settings: Mapping[str, Value], device: str) -> Coder:
    """Return the pipeline's VAE."""
    check_pipeline(str(settings.get("folder") or ""), str(settings.get("caption")))
    return Coder.read(str(Path(str(settings["folder"])) / "vae"), device)


def check_pipeline(folder: str, caption: str) -> None:
    """Refuse what is no pipeline of safetensors in diffusers' layout, and a caption that names no class.

    Raises:
        UserError: in one line.
    """
    if caption.count(NAME) != 1:
        raise UserError(
            f"stable_diffusion: the caption '{caption}' needs {NAME} once, where the class's name goes"
        )
    if not folder:
        raise UserError("stable_diffusion: give the setting 'folder': a pipeline in diffusers' layout")
    check_folder(folder, FOLDERS["folder"])
