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
from reunlearn.gradients.layer_rules import factors, in_order, places, ruled_layers
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
    for call in layer_calls(model, layers, outputs, batch, cotangents):
        height = call.rows.stop - call.rows.start
        length = places(call.layer, call.calls[0][1]) if len(call.calls) == 1 else None
        if not few_places(length, height) or "weight" not in call.trained:
            for key, _, _, gradient in of_layer(call):
                product = gradient.dim() > 3  # a kernel or a matrix: its memory is its own
                yield key, (gradient.square_() if product else gradient.square()).sum(dim=(0, 1))
            continue
        u_BLD, delta_BLRO = factors(call.layer, *call.calls[0])
        yield call.parameter("weight"), in_order(call.layer, squared_products(u_BLD, delta_BLRO))
        if "bias" in call.trained:
            yield call.parameter("bias"), delta_BLRO.sum(1).square().sum(dim=(0, 1))


def few_places(length: int | None, rows: int) -> bool:
    """Tell whether products of entries are fewer than those of the gradients; no length: a layer without places."""
    return length is not None and length < 2 * rows


def squared_products(x_BLD: Tensor, delta_BLRO: Tensor) -> Tensor:
    """Return Σ_b Σ_r (Σ_l δ_blr u_blᵀ)² [O, D], rounded up to 0 where rounding made it negative."""
    count, length, width = x_BLD.shape
    first, second = torch.triu_indices(length, length, device=x_BLD.device)
    weight_P1 = (1 + (first != second)).to(x_BLD)[:, None]  # of a pair of places
    total = x_BLD.new_zeros(delta_BLRO.shape[-1], width)
    step = max(1, NUMBERS // (len(first) * width))
    for begin in range(0, count, step):
        u, delta = x_BLD[begin : begin + step], delta_BLRO[begin : begin + step]
        pairs_BPD = u[:, first] * u[:, second]
        rows = (row[:, first] * row[:, second] for row in delta.unbind(2))
        deltas_BPO = sum(rows, start=total.new_zeros(()))
        total.addmm_((deltas_BPO * weight_P1).flatten(0, 1).T, pairs_BPD.flatten(0, 1))
    return total.clamp_(min=0)
