"""The space that a layer's inputs span, and a basis of its principal directions.

A linear layer, and a convolution on each patch, computes W r. An update of W whose rows are orthogonal to r
leaves this output unchanged; so the second moments C = Σ r rᵀ of all inputs tell which updates change no output
(Saha et al. 2021; PGU, Eq. 2–4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.base.errors import UserError

BatchT = TypeVar("BatchT")
# a symmetric product is half computed: in at most so many blocks, none narrower than a product that the caches hold
BLOCKS, SMALLEST_BLOCK = 8, 72
PATCH_NUMBERS = 2**24  # the most numbers in one chunk of patches: 128 MB in float64


def weighted_layers(model: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Return the convolutions and linear layers by name.

    Raises:
        UserError: a convolution is grouped, or its padding is not a number of zeros: its patches are not implemented.
    """
    layers = {n: m for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    for name, layer in layers.items():
        if isinstance(layer, nn.Conv2d):
            plain = layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
            if not plain:
                raise UserError(
                    f"layer '{name}' is a convolution in groups or without zero padding, which is not supported; "
                    "choose another network"
                )
    return layers


def padded(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Return x [B, C, H, W] with the layer's zero padding around it."""
    vertical, horizontal = (int(p) for p in layer.padding)
    return functional.pad(x, (horizontal, horizontal, vertical, vertical))


def layer_rows(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Return a layer's input vectors [R, D] in float64; D is its number of weights per output.

    Args:
        layer: for a convolution, patches at stride 1 and dilation 1 are taken, whatever its stride and dilation are.
        x: [B, C, H, W] for a convolution, padded; [..., D] for a linear layer.
    """
    if isinstance(layer, nn.Conv2d):
        high, wide = layer.kernel_size
        # views of all patches, copied once: half the time of functional.unfold and a transposition
        windows = x.double().contiguous().unfold(2, high, 1).unfold(3, wide, 1)
        return windows.permute(0, 2, 3, 1, 4, 5).reshape(-1, layer.weight[0].numel())
    return x.reshape(-1, x.shape[-1]).double()


def second_moment(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Return Σ r rᵀ [D, D] in float64 over a layer's input vectors, a bounded number of them at a time."""
    width = layer.weight[0].numel()
    positions = 1
    if isinstance(layer, nn.Conv2d):
        x = padded(layer, x)
        positions = x.shape[-2] * x.shape[-1]  # a bound: one patch per position at most
    total = torch.zeros(width, width, dtype=torch.float64, device=x.device)
    for chunk in x.split(max(1, PATCH_NUMBERS // (width * positions))):
        add_products(total, layer_rows(layer, chunk))
    return mirrored(total)


def add_products(total_DD: Tensor, rows_RD: Tensor) -> None:
    """Add the sums of products of columns in place: above the diagonal, and in blocks along it."""
    width = rows_RD.shape[1]
    step = max(SMALLEST_BLOCK, -(-width // BLOCKS))
    for begin in range(0, width, step):
        columns, rest = slice(begin, begin + step), slice(begin, width)
        total_DD[columns, rest].addmm_(rows_RD[:, columns].T, rows_RD[:, rest])


def mirrored(upper_DD: Tensor) -> Tensor:
    """Return the symmetric matrix of which this holds what is on and above the diagonal."""
    return upper_DD.triu() + upper_DD.triu(1).T


@torch.no_grad()
def input_moments(
    model: nn.Module, batches: Iterable[BatchT], forward: Callable[[BatchT], object]
) -> dict[str, Tensor]:
    """Return C = Σ r rᵀ [D, D] of each convolution and linear layer, streamed over batches.

    Args:
        model: in the mode (train or eval) of the wanted inputs; left as it is.
        batches: what `forward` takes.
        forward: runs the model on a batch; its result is not used.

    Raises:
        UserError: the model never calls one of its layers: for example, attention uses a layer's weights directly.
    """
    layers = weighted_layers(model)
    moments: dict[str, Tensor] = {}

    def add_to(name: str, layer: nn.Conv2d | nn.Linear) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            moment = second_moment(layer, inputs[0])
            moments[name] = moments[name].add_(moment) if name in moments else moment

        return hook

    handles = [m.register_forward_pre_hook(add_to(n, m)) for n, m in layers.items()]
    try:
        for batch in batches:
            forward(batch)
    finally:
        for handle in handles:
            handle.remove()
    uncalled = sorted(layers.keys() - moments.keys())
    if uncalled:
        raise UserError(
            f"layer '{uncalled[0]}' is never called: the network uses its weights directly, so its inputs cannot be "
            "recorded; choose another network"
        )
    return moments


def core_basis(moment_DD: Tensor, energy: float, reach: bool = False, indefinite: str = "absolute") -> Tensor:
    """Return M [D, k]: the first k principal directions of a second moment, largest first.

    k is the number of i for which σ₁ + … + σᵢ ≤ energy · Σσ.

    Args:
        moment_DD: symmetric, float64.
        energy: the share of the sum of σ (not of σ²) that is not exceeded.
        reach: take one direction more, so that the share is reached.
        indefinite: a difference of moments can have negative eigenvalues. σ is √|eigenvalue| ("absolute"), or 0
            for the negative ones ("zero").
    """
    squares, vectors_DD = squared_sigma(moment_DD, indefinite)
    sigma = squares.sqrt().cpu()  # a running sum has no deterministic kernel on GPUs
    order = sigma.argsort(descending=True, stable=True)
    sums = sigma[order].cumsum(0)
    # the last share is exactly 1, so that energy 1 takes all directions
    rank = int((sums / sums[-1] <= energy).sum()) + int(reach)
    return vectors_DD[:, order[:rank].to(vectors_DD.device)]


def definite(moment_DD: Tensor, indefinite: str) -> Tensor:
    """Return U σ² Uᵀ [D, D]: a difference of moments without negative eigenvalues; `indefinite` as in core_basis."""
    squares, vectors_DD = squared_sigma(moment_DD, indefinite)
    return (vectors_DD * squares) @ vectors_DD.T


def squared_sigma(moment_DD: Tensor, indefinite: str) -> tuple[Tensor, Tensor]:
    """Return σ² [D] and the eigenvectors [D, D] as columns; `indefinite` as in core_basis."""
    eigenvalues, vectors_DD = torch.linalg.eigh(moment_DD)
    return eigenvalues.abs() if indefinite == "absolute" else eigenvalues.clamp(min=0), vectors_DD
