"""The space that a layer's inputs span, and a basis of its principal directions.

A linear layer, and a convolution on each patch, computes W r. An update of W whose rows are orthogonal to r
leaves this output unchanged; so the second moments C = Σ r rᵀ of all inputs tell which updates change no output
(Saha et al. 2021; PGU, Eq. 2–4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.gradients.patch_moments import PatchMoment

BatchT = TypeVar("BatchT")


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


class RowMoment:
    """Sums M = Σ r rᵀ over the inputs r of a linear layer, in float64."""

    def __init__(self) -> None:
        self.total: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Add inputs [..., D]."""
        rows_RD = x.reshape(-1, x.shape[-1]).double()
        product = rows_RD.T @ rows_RD
        self.total = product if self.total is None else self.total.add_(product)

    def value(self) -> Tensor:
        """Return M [D, D]."""
        assert self.total is not None
        return self.total


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
    moments: dict[str, PatchMoment | RowMoment] = {}

    def add_to(name: str, layer: nn.Conv2d | nn.Linear) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if name not in moments:
                moments[name] = PatchMoment(layer) if isinstance(layer, nn.Conv2d) else RowMoment()
            moments[name].add(inputs[0])

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
    return {name: moment.value() for name, moment in moments.items()}


@dataclass(frozen=True)
class Spectrum:
    """A second moment U diag(σ²) Uᵀ.

    Attributes:
        squares: σ² [D].
        vectors: U [D, D], eigenvectors as columns.
    """

    squares: Tensor
    vectors: Tensor

    def basis(self, energy: float, reach: bool = False) -> Tensor:
        """Return M [D, k]: the first k principal directions, largest first.

        k is the number of i for which σ₁ + … + σᵢ ≤ energy · Σσ.

        Args:
            energy: the share of the sum of σ (not of σ²) that is not exceeded.
            reach: take one direction more, so that the share is reached.
        """
        sigma = self.squares.sqrt().cpu()  # a running sum has no deterministic kernel on GPUs
        order = sigma.argsort(descending=True, stable=True)
        sums = sigma[order].cumsum(0)
        # the last share is exactly 1, so that energy 1 takes all directions
        rank = int((sums / sums[-1] <= energy).sum()) + int(reach)
        return self.vectors[:, order[:rank].to(self.vectors.device)]

    def matrix(self) -> Tensor:
        """Return U σ² Uᵀ [D, D]."""
        return (self.vectors * self.squares) @ self.vectors.T


def spectrum(moment_DD: Tensor, indefinite: str = "absolute") -> Spectrum:
    """Return the eigenvectors and σ² of a second moment, symmetric, float64.

    Args:
        moment_DD: the moment, or a difference of two, which can have negative eigenvalues.
        indefinite: σ is √|eigenvalue| ("absolute"), or 0 for the negative ones ("zero").
    """
    eigenvalues_D, vectors_DD = torch.linalg.eigh(moment_DD)
    squares_D = eigenvalues_D.abs() if indefinite == "absolute" else eigenvalues_D.clamp(min=0)
    return Spectrum(squares_D, vectors_DD)
