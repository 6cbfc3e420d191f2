"""What goes into the layers of a network, and zeros added to what comes out, by which one can differentiate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]
Calls = list[tuple[Tensor, Tensor]]  # of one layer: input, the zeros that were added to its output


@contextmanager
def tapped(layers: dict[str, nn.Module]) -> Iterator[dict[str, Calls]]:
    """Record the calls of some layers in the block, by their names."""
    found: dict[str, Calls] = {name: [] for name in layers}
    handles = [layer.register_forward_hook(_tap(found[name])) for name, layer in layers.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _tap(calls: Calls) -> Hook:
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        zero = torch.zeros_like(output, requires_grad=True)
        calls.append((inputs[0].detach(), zero))
        return output + zero

    return hook
