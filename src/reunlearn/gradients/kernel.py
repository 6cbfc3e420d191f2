"""The kernel JJᵀ of a network's output Jacobian, and products with Jᵀ, in bounded memory.

J [N·K, P] holds ∂z_ik/∂θ, rows ordered by sample, then output. It is never stored as a whole: its rows, or the factors
that make them where these are fewer (kernel_rows.py), are computed when they are needed, for a panel of several samples
and for blocks of a few, and Jᵀ x is one backward pass of Σ x_ik z_ik. They are kept as the network computes them;
products are float64, of a few columns at a time: in float32 their errors would be of the size of a ridge. Memory, with
q numbers kept for a sample:

    3 (N K)² · 8 bytes                                the kernel, a sub-matrix to solve and its factor
    (N K)² · 8 + q · 4 · (panel + 2 block) bytes      while the kernel is made; panel and block in samples

The larger of the two is needed, and in addition the activations of one block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.flat import flatten
from reunlearn.gradients.kernel_rows import Rows, add_product, add_square, cuts, rows_of
from reunlearn.gradients.per_sample import Outputs

BYTES, ROW_BYTES = 8, 4  # of a number of the kernel, and of J
LARGEST_BLOCK = 512  # rows; each block converts the panel anew

Take = Callable[[Tensor], Batch]  # numbers of samples, from 0 → these samples


@dataclass(frozen=True)
class Panels:
    """How many samples' rows are in memory at once: those of a panel and those of a block."""

    panel: int
    block: int


def kept(model: nn.Module, outputs: Outputs, take: Take, classes: int) -> int:
    """Return how many numbers are kept for a sample of a network of K classes."""
    return rows_of(model, outputs, take(torch.arange(1)), classes).numbers


def needed(samples: int, outputs: int, numbers: int, panel: int = 1, block: int = 1) -> int:
    """Return the bytes that the kernel takes with these panels; by default with the smallest possible ones.

    Args:
        numbers: that are kept for a sample.
    """
    square = (samples * outputs) ** 2 * BYTES
    return max(3 * square, square + numbers * ROW_BYTES * (panel + 2 * block))


def plan(samples: int, outputs: int, numbers: int, limit: int) -> Panels:
    """Return the largest panels that fit into `limit` bytes; panels of one sample if none fit."""
    sample = numbers * ROW_BYTES
    free = limit - (samples * outputs) ** 2 * BYTES
    block = max(1, min(LARGEST_BLOCK // outputs, samples, free // (4 * sample)))
    return Panels(max(1, min(samples, free // sample - 2 * block)), block)


def kernel(
    model: nn.Module, outputs: Outputs, take: Take, *, samples: int, classes: int, panels: Panels
) -> Tensor:
    """Return JJᵀ [N·K, N·K] in float64.

    Args:
        model: in evaluation mode; left as it is.
        outputs: z [B, K] of a batch.
        take: returns the samples with some of the numbers 0 … N − 1; each sample is taken more than once.
        samples: N.
        classes: K.
        panels: how many samples' rows are in memory at once.
    """
    count = samples * classes
    one = rows_of(model, outputs, take(torch.arange(1)), classes)
    room = one.room(min(panels.panel, samples))
    full = torch.zeros(count, count, dtype=torch.float64, device=one.device)

    def block(begin: int, end: int, room: Rows | None = None) -> Rows:
        return rows_of(model, outputs, take(torch.arange(begin, end)), classes, room)

    for begin, end in cuts(0, samples, panels.panel):
        panel = room.part(0, end - begin)
        for left, right in cuts(begin, end, panels.block):
            block(left, right, panel.part(left - begin, right - begin))
        panel_rows = slice(begin * classes, end * classes)
        add_square(full[panel_rows, panel_rows], panel)
        for left, right in cuts(end, samples, panels.block):
            block_rows = slice(left * classes, right * classes)
            add_product(full[panel_rows, block_rows], panel, block(left, right))
    return full.triu_().add_(full.triu(1).T)


def transposed_product(
    model: nn.Module, outputs: Outputs, take: Take, x_NK: Tensor, batch_size: int
) -> Tensor:
    """Return Jᵀ x [P] in the parameters' precision, by a backward pass of Σ x_ik z_ik for each batch.

    Args:
        x_NK: the weight of each sample and output.
        batch_size: samples per backward pass.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    total: Tensor | None = None
    for rows in torch.arange(len(x_NK)).split(batch_size):
        z_BK = outputs(model, take(rows))
        weighted = (z_BK * x_NK[rows].to(z_BK)).sum()
        part = flatten(torch.autograd.grad(weighted, parameters, materialize_grads=True))
        total = part if total is None else total + part
    assert total is not None
    return total


def ridge(kernel_RR: Tensor, shift: float, y_R: Tensor) -> Tensor:
    """Return (K + shift I)⁻¹ y [R]; K is symmetric and positive semi-definite, shift is above 0."""
    shifted = kernel_RR.clone()
    shifted.diagonal().add_(shift)
    factor = torch.linalg.cholesky(shifted)
    return torch.cholesky_solve(y_R[:, None], factor).squeeze(1)
