"""A tiny untrained Stable Diffusion pipeline in diffusers' layout: 1×16×16 images, 4×8×8 latents, words as tokens."""

from __future__ import annotations

import json
import string
from pathlib import Path

import torch

from reunlearn.data.diffusers_compat import diffusers, transformers

LENGTH = 12  # tokens of a caption
WIDTH = 16  # of an embedding
END = "</w>"


def write(folder: Path, words: tuple[str, ...]) -> Path:
    """Write the pipeline; each of the words is one token."""
    torch.manual_seed(0)
    _tokenizer(folder / "tokenizer", words).save_pretrained(folder / "tokenizer")
    text = transformers.CLIPTextConfig(
        vocab_size=400,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    transformers.CLIPTextModel(text).save_pretrained(folder / "text_encoder", safe_serialization=True)
    vae().save_pretrained(folder / "vae", safe_serialization=True)
    unet().save_pretrained(folder / "unet", safe_serialization=True)
    return folder


def vae():
    """Return the VAE."""
    return diffusers.AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 8],
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=16,
    )


def unet():
    """Return the U-Net, with cross-attention on its second level."""
    return diffusers.UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"],
        block_out_channels=[8, 16],
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=WIDTH,
    )


def _tokenizer(folder: Path, words: tuple[str, ...]) -> transformers.CLIPTokenizer:
    """Return a tokenizer whose merges spell the words."""
    folder.mkdir(parents=True)
    letters = [*string.ascii_lowercase, *string.digits]
    vocabulary = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + END for letter in letters)]
    merges: list[str] = []
    for word in words:
        parts = [*word[:-1], word[-1] + END]
        while len(parts) > 1:
            pair = f"{parts[0]} {parts[1]}"
            if pair not in merges:
                merges.append(pair)
            parts = [parts[0] + parts[1], *parts[2:]]
            if parts[0] not in vocabulary:
                vocabulary.append(parts[0])
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    return transformers.CLIPTokenizer(
        str(folder / "vocab.json"),
        str(folder / "merges.txt"),
        model_max_length=LENGTH,
        pad_token="<|endoftext|>",
    )
