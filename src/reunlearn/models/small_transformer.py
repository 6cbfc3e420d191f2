"""A small transformer encoder for texts, to be trained from scratch on a CPU."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

INPUTS = "text"
MULTIPLES = {"width": "heads"}
INITIAL_SCALE = 0.02  # standard deviation of fresh embeddings, as in BERT


class Attention(nn.Module):
    """Self-attention in several heads, by plain products and a softmax, which have second derivatives everywhere."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)

    def forward(self, x_BLD: Tensor, bias_B11L: Tensor) -> Tensor:
        """Return [B, L, D]; `bias` is added to the scores of each key."""
        batch, length, width = x_BLD.shape
        parts = self.enter(x_BLD).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each [B, heads, L, D / heads]
        scores = query @ key.transpose(-2, -1) / math.sqrt(width // self.heads) + bias_B11L
        return self.leave((scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """Attention and a two-layer network of four times the width, each after a LayerNorm and with a shortcut."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.inner = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BLD: Tensor, bias_B11L: Tensor) -> Tensor:
        """Return the block's output."""
        x_BLD = x_BLD + self.dropout(self.attention(self.norm1(x_BLD), bias_B11L))
        return x_BLD + self.dropout(self.inner(self.norm2(x_BLD)))


class SmallTransformer(nn.Module):
    """Token ids [B, L], 0 where a text has ended → logits [B, K]."""

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int,
        *,
        width: int,
        depth: int,
        heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        length, vocabulary = shape
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(length, width))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        nn.init.normal_(self.tokens.weight, std=INITIAL_SCALE)
        nn.init.normal_(self.positions, std=INITIAL_SCALE)

    def forward(self, x_BL: Tensor) -> Tensor:
        """Return logits from the mean over the tokens of each text; a text without tokens has the mean 0."""
        real_BL = x_BL != 0
        hidden_BLD = self.dropout(self.tokens(x_BL) + self.positions[: x_BL.shape[1]])
        # the smallest finite number and not −∞, so that a text without tokens stays finite
        lowest = torch.finfo(hidden_BLD.dtype).min
        bias_B11L = (~real_BL)[:, None, None, :].to(hidden_BLD.dtype) * lowest
        for block in self.blocks:
            hidden_BLD = block(hidden_BLD, bias_B11L)
        weight_BL1 = real_BL[..., None].to(hidden_BLD.dtype)
        total_BD = (self.norm(hidden_BLD) * weight_BL1).sum(1)
        return self.head(total_BD / weight_BL1.sum(1).clamp(min=1))


def build(
    shape: tuple[int, ...],
    classes: int,
    *,
    width: int = 128,
    depth: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
) -> nn.Module:
    """Return the network.

    Args:
        shape: longest text in tokens, size of the vocabulary.
        classes: number of outputs.
        width: numbers per token; a multiple of `heads`.
        depth: number of blocks.
        heads: number of attention heads of each block.
        dropout: share of numbers set to 0 while training.

    """
    return SmallTransformer(shape, classes, width=width, depth=depth, heads=heads, dropout=dropout)
