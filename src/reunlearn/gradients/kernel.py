"""The kernel JJᵀ of a network's output Jacobian, and products with Jᵀ, in bounded memory.

J [N·K, P] holds ∂z_ik/∂θ, rows ordered by sample, then output. It is never stored as a whole: its rows are computed
when they are needed, for a panel of several samples and for blocks of a few, and Jᵀ x is one backward pass of
Σ x_ik z_ik. J is kept as the network computes it; products are float64, of a few columns at a time: in float32 their
errors would be of the size of a ridge. Memory:

    3 (N K)² · 8 bytes                                  the kernel, a sub-matrix to solve and its factor
    (N K)² · 8 + K P · 4 · (panel + 2 block) bytes      while the kernel is made; panel and block in samples

The larger of the two is needed, and in addition the activations of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.flat import flatten
from reunlearn.gradients.per_sample import Outputs, jacobian

BYTES, JACOBIAN_BYTES = 8, 4  # of a number of the kernel, and of J
LARGEST_BLOCK = 8  # samples; a larger block saves no work, a larger panel does
COLUMNS = 2**13  # of J in one product
PARTS = 8  # a symmetric product is half computed, in so many parts

Take = Callable[[Tensor], Batch]  # numbers of samples, from 0 → these samples


@dataclass(frozen=True)
class Panels:
    """How many samples' Jacobians are in memory at once: those of a panel and those of a block."""

    panel: int
    block: int


def needed(samples: int, outputs: int, parameters: int, panel: int = 1, block: int = 1) -> int:
    """Return the bytes that the kernel takes with these panels; by default with the smallest possible ones."""
    square = (samples * outputs) ** 2 * BYTES
    return max(3 * square, square + outputs * parameters * JACOBIAN_BYTES * (panel + 2 * block))


def plan(samples: int, outputs: int, parameters: int, limit: int) -> Panels:
    """Return the largest panels that fit into `limit` bytes; panels of one sample if none fit."""
    sample = outputs * parameters * JACOBIAN_BYTES
    free = limit - (samples * outputs) ** 2 * BYTES
    block = max(1, min(LARGEST_BLOCK, samples, free // (4 * sample)))
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
        panels: how many samples' Jacobians are in memory at once.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    width, rows = sum(p.numel() for p in parameters), samples * classes
    full = torch.zeros(rows, rows, dtype=torch.float64, device=parameters[0].device)
    panel = parameters[0].new_empty(panels.panel * classes, width)

    def block(begin: int, end: int) -> Tensor:
        return jacobian(model, outputs, take(torch.arange(begin, end)), classes).flatten(0, 1)

    for begin, end in _cuts(0, samples, panels.panel):
        for left, right in _cuts(begin, end, panels.block):
            panel[(left - begin) * classes : (right - begin) * classes] = block(left, right)
        panel_RP = panel[: (end - begin) * classes]
        panel_rows = slice(begin * classes, end * classes)
        _add_square(full[panel_rows, panel_rows], panel_RP)
        for left, right in _cuts(end, samples, panels.block):
            block_rows = slice(left * classes, right * classes)
            _add_product(full[panel_rows, block_rows], panel_RP, block(left, right))
    return full.triu_().add_(full.triu(1).T)


def _add_square(total_RR: Tensor, rows_RP: Tensor) -> None:
    """Add the products of each row with itself and those after it, in place; some others, too."""
    step = -(-len(rows_RP) // PARTS)
    for first, end in _cuts(0, rows_RP.shape[1], COLUMNS):
        part_RC = rows_RP[:, first:end].double()
        for begin in range(0, len(rows_RP), step):
            total_RR[begin : begin + step, begin:].addmm_(part_RC[begin : begin + step], part_RC[begin:].T)


def _add_product(total_RS: Tensor, rows_RP: Tensor, others_SP: Tensor) -> None:
    """Add the products of rows with others, in place."""
    for first, end in _cuts(0, rows_RP.shape[1], COLUMNS):
        total_RS.addmm_(rows_RP[:, first:end].double(), others_SP[:, first:end].double().T)


def _cuts(begin: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of the parts of a range."""
    yield from ((left, min(left + step, end)) for left in range(begin, end, step))


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
