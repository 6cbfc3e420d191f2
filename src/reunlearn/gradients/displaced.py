"""A model evaluated at other weights than its own; the model itself stays unchanged."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


class Displaced(nn.Module):
    """`model` evaluated at `weights`, which may be part of a graph.

    Buffers are copies made here: BatchNorm in training mode normalises by the statistics of the batch it is given
    and moves the copies, so the running statistics of `model` stay as they are.

    Args:
        model: gives the architecture and the mode (train or eval) of each layer.
        weights: by parameter name; parameters that are not named keep the model's own value.
    """

    def __init__(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.training = model.training
        self.inner = model
        self.tensors = {**weights, **{name: b.detach().clone() for name, b in model.named_buffers()}}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the model returns at these weights."""
        return functional_call(self.inner, self.tensors, args, kwargs)
