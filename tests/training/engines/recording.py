"""Plays a step again on a CPU as a CUDA graph would on a GPU: its tensor operations, and nothing that Python did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from reunlearn.training.engines.capture import unchanged
from reunlearn.training.engines.static import Compute, Numbers

WAITS = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)


class Recorder(TorchDispatchMode):
    """Notes each operation with its tensors and numbers; one that a GPU would be waited for is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable[..., Any], Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAITS:
            raise RuntimeError(f"{func} waits for the device")
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, (args, kwargs or {}), result))
        return result


def recorded(compute: Compute, network: nn.Module, optimizer: torch.optim.Optimizer) -> Compute:
    """Return what plays the operations of one step again; network, optimizer and random state are as they were.

    Args:
        compute: takes a step that reads and writes the same tensors each time.
        network: which the step trains.
        optimizer: of the network, a fused one: any other reads its numbers in Python on a CPU.
    """
    with unchanged(network, optimizer):
        compute()
        optimizer.zero_grad(set_to_none=True)
        with Recorder() as recorder:
            numbers = compute()

    @torch.no_grad()
    def play() -> Numbers:
        now: dict[int, Tensor] = {}

        def present(tensor: Tensor) -> Tensor:
            return now.get(id(tensor), tensor)

        for func, read, results in recorder.calls:
            args, kwargs = tree_map_only(Tensor, present, read)
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                if isinstance(old, Tensor):
                    now[id(old)] = new
        return tuple(present(number) for number in numbers)

    return play
