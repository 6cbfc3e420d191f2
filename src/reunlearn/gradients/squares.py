"""Sums over samples and rows of squared gradients, without the gradients where there is a shorter way.

A linear layer has g = Σ_l δ_l u_lᵀ over the places l of a sample, a convolution the same with its patches u, so that

    Σ_r g_r² = Σ_l Σ_m (Σ_r δ_rl δ_rm) (u_l u_m)ᵀ          products of entries

which is one matrix product for all samples. It takes L (L + 1) / 2 multiplications for each weight instead of the
R L of R gradients, and writes none of them: it is used where L < 2 R. With one place it is the product of squares.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.layer_rules import patches, ruled_layers
from reunlearn.gradients.per_sample import (
    Cotangents,
    Outputs,
    layer_calls,
    of_layer,
    per_sample_gradients,
    refuse_mixing,
)

NUMBERS = 2**21  # the most products of two entries of u in memory: 8 MB in float32


def summed_squares(
    model: nn.Module, outputs: Outputs, batch: Batch, cotangents: Cotangents
) -> Iterator[tuple[str, Tensor]]:
    """Yield (parameter's name, part of Σ_b Σ_r g_br²), which together make the sums; see per_sample_gradients."""
    refuse_mixing(model)
    layers = ruled_layers(model)
    if layers is None:
        for name, _, _, gradient in per_sample_gradients(model, outputs, batch, cotangents):
            yield name, gradient.square().sum(dim=(0, 1))
        return
    for name, layer, calls, rows in layer_calls(model, layers, outputs, batch, cotangents):
        trained = {key for key, p in layer.named_parameters(recurse=False) if p.requires_grad}
        by_places = places(layer, *calls[0]) if len(calls) == 1 and "weight" in trained else None
        if by_places is None:
            for key, _, _, gradient in of_layer(name, layer, calls, rows, len(batch)):
                product = gradient.dim() > 3  # a kernel or a matrix: its memory is its own
                yield key, (gradient.square_() if product else gradient.square()).sum(dim=(0, 1))
            continue
        x_BLD, delta_RBLO = by_places
        begin = f"{name}." if name else ""
        yield f"{begin}weight", squared_products(x_BLD, delta_RBLO).view_as(layer.weight)  # type: ignore[arg-type]
        if "bias" in trained:
            yield f"{begin}bias", delta_RBLO.sum(2).square().sum(dim=(0, 1))


def places(layer: nn.Module, x: Tensor, delta: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return u [B, L, D] and δ [R, B, L, O] of a call; None where the layer has others, or too many places."""
    if type(layer) is nn.Linear:
        x_BLD = x.reshape(len(x), -1, x.shape[-1])
        delta_RBLO = delta.reshape(*delta.shape[:2], -1, delta.shape[-1])
        return (x_BLD, delta_RBLO) if x_BLD.shape[1] < 2 * len(delta) else None
    plain = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.dilation == (1, 1)
    if not plain or delta[0, 0, 0].numel() >= 2 * len(delta):
        return None
    u_BLD = patches(layer, x).permute(0, 1, 4, 2, 3).flatten(2)  # type: ignore[arg-type]
    return u_BLD, delta.flatten(3).transpose(2, 3).contiguous()


def squared_products(x_BLD: Tensor, delta_RBLO: Tensor) -> Tensor:
    """Return Σ_b Σ_r (Σ_l δ_rbl u_blᵀ)² [O, D], rounded up to 0 where rounding made it negative."""
    count, length, width = x_BLD.shape
    first, second = torch.triu_indices(length, length, device=x_BLD.device)
    weight_P1 = (1 + (first != second)).to(x_BLD)[:, None]  # of a pair of places
    total = x_BLD.new_zeros(delta_RBLO.shape[-1], width)
    step = max(1, NUMBERS // (len(first) * width))
    for begin in range(0, count, step):
        u, delta = x_BLD[begin : begin + step], delta_RBLO[:, begin : begin + step]
        pairs_BPD = u[:, first] * u[:, second]
        deltas_BPO = sum((row[:, first] * row[:, second] for row in delta), start=total.new_zeros(()))
        total.addmm_((deltas_BPO * weight_P1).flatten(0, 1).T, pairs_BPD.flatten(0, 1))
    return total.clamp_(min=0)
