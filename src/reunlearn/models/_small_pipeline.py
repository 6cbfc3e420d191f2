"""Small text-to-image pipelines made from nothing, in diffusers' layout: for digits on a CPU, and for tests.

Text encoder and U-Net have random weights. Of the text encoder that is enough to tell captions apart, but it knows no
likeness between words; the U-Net is there to be trained.
"""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

START, END = "<|startoftext|>", "<|endoftext|>"
ENDS_WORD = "</w>"


@dataclass(frozen=True)
class Sizes:
    """How large the parts are.

    Attributes:
        tokens: of a caption, with start, end and padding.
        text: width of an embedding.
        vae: channels of the VAE's levels, each of half the height and width of the one before; the last gives latents.
        unet: channels of the U-Net's levels, likewise; each attends to the caption.
        heads: number of heads of attention, in every level.
        side: height and width of images.
        channels: of images.
    """

    tokens: int
    text: int
    vae: tuple[int, ...]
    unet: tuple[int, ...]
    heads: int
    side: int = 16
    channels: int = 1

    @property
    def latent_side(self) -> int:
        """Height and width of latents."""
        return self.side // 2 ** (len(self.vae) - 1)


TINY = Sizes(tokens=12, text=16, vae=(8, 8), unet=(8, 16), heads=4)
LATENT = 4  # channels


def write(folder: Path, words: tuple[str, ...], sizes: Sizes, vae: Any = None, seed: int = 0) -> Path:
    """Write a pipeline of safetensors; return its folder.

    Args:
        folder: where its parts go.
        words: of captions, in small letters and digits; each is one token.
        sizes: of its parts.
        vae: as `make_vae` returns it, trained by now; an untrained one if None.
        seed: of untrained parts; the global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        parts = {
            "text_encoder": make_text_encoder(words, sizes),
            "unet": make_unet(sizes),
            "vae": vae or make_vae(sizes),
        }
    write_tokenizer(folder / "tokenizer", words, sizes.tokens)
    for name, part in parts.items():
        part.save_pretrained(folder / name, safe_serialization=True)
    return folder


def make_text_encoder(words: tuple[str, ...], sizes: Sizes) -> Any:
    """Return an untrained CLIP text encoder, in which a word outweighs what attention mixes into its place.

    With the usual embeddings, fifty times smaller, all captions would be nearly the same to a U-Net.
    """
    from reunlearn.data.diffusers_compat import transformers

    vocabulary, _ = spelling(words)
    encoder: Any = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(vocabulary),
            hidden_size=sizes.text,
            intermediate_size=2 * sizes.text,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=sizes.tokens,
            bos_token_id=vocabulary.index(START),
            eos_token_id=vocabulary.index(END),
            pad_token_id=vocabulary.index(END),
        )
    )
    torch.nn.init.normal_(encoder.get_input_embeddings().weight)
    return encoder


def make_vae(sizes: Sizes) -> Any:
    """Return an untrained VAE: images of C×side×side, latents of LATENT×latent_side×latent_side."""
    from reunlearn.data.diffusers_compat import diffusers

    return diffusers.AutoencoderKL(
        in_channels=sizes.channels,
        out_channels=sizes.channels,
        latent_channels=LATENT,
        down_block_types=["DownEncoderBlock2D"] * len(sizes.vae),
        up_block_types=["UpDecoderBlock2D"] * len(sizes.vae),
        block_out_channels=sizes.vae,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=sizes.side,
    )


def make_unet(sizes: Sizes) -> Any:
    """Return an untrained U-Net."""
    from reunlearn.data.diffusers_compat import diffusers

    return diffusers.UNet2DConditionModel(
        sample_size=sizes.latent_side,
        in_channels=LATENT,
        out_channels=LATENT,
        down_block_types=["CrossAttnDownBlock2D"] * len(sizes.unet),
        up_block_types=["CrossAttnUpBlock2D"] * len(sizes.unet),
        block_out_channels=sizes.unet,
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=sizes.heads,
        cross_attention_dim=sizes.text,
    )


def write_tokenizer(folder: Path, words: tuple[str, ...], tokens: int) -> None:
    """Write a CLIP tokenizer whose merges spell the words."""
    from reunlearn.data.diffusers_compat import transformers

    folder.mkdir(parents=True)
    vocabulary, merges = spelling(words)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    transformers.CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=tokens, pad_token=END
    ).save_pretrained(folder)


def spelling(words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the vocabulary, and the merges that make one token of each word."""
    letters = [*string.ascii_lowercase, *string.digits]
    vocabulary = [START, END, *letters, *(letter + ENDS_WORD for letter in letters)]
    merges: list[str] = []
    for word in words:
        parts = [*word[:-1], word[-1] + ENDS_WORD]
        while len(parts) > 1:
            pair = f"{parts[0]} {parts[1]}"
            if pair not in merges:
                merges.append(pair)
            parts = [parts[0] + parts[1], *parts[2:]]
            if parts[0] not in vocabulary:
                vocabulary.append(parts[0])
    return vocabulary, merges
