"""A whole step as one CUDA graph: forward, backward, clipping and optimizer are launched by a single call.

Not yet run on a GPU. Whether a step can be captured, and then computes what it should, is tried out first
(engines/choose.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from reunlearn.training.engines.static import Compute, Numbers

CHECKED_STEPS = 2  # after a first one, in which libraries get ready
TOLERANCE = 1e-2  # of the losses of the first steps, relative: rounding apart, they are the same
NO_GPU = "a CUDA graph needs a GPU"
DRAWS = "the objective draws for each batch"


def captured(compute: Compute, network: nn.Module, optimizer: torch.optim.Optimizer) -> Compute:
    """Return what plays one step again; network, optimizer and random state are as they were.

    Args:
        compute: takes a step that reads and writes the same tensors each time.
        network: on a GPU, which the step trains.
        optimizer: of the network.

    Raises:
        RuntimeError: the step waits for the device, or does something else that cannot be captured.
    """
    device = next(network.parameters()).device
    with torch.cuda.device(device), unchanged(network, optimizer):
        side, graph = torch.cuda.Stream(device), torch.cuda.CUDAGraph()
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            compute()
            # a capture that fails leaves the allocator and the generator in disorder; a step that is refused does not
            with _waiting_is_an_error():
                for _ in range(CHECKED_STEPS):
                    compute()
        torch.cuda.current_stream(device).wait_stream(side)
        # gradients of the graph are its own: none may be there that the backward pass would add to
        optimizer.zero_grad(set_to_none=True)
        with _capturable(optimizer), torch.cuda.graph(graph, stream=side):
            numbers = compute()

    def play() -> Numbers:
        graph.replay()
        return numbers

    return play


@contextmanager
def unchanged(network: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Give weights, buffers, the optimizer's state and the global random state their values back, in the same tensors.

    What the optimizer makes inside stays, as zeros: so sgd, adam and adamw begin.
    """
    device = next(network.parameters()).device
    tensors = [*network.parameters(), *network.buffers()]
    values = [each.detach().clone() for each in tensors]
    before = {id(each): each.clone() for each in _state(optimizer)}
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
            for tensor in _state(optimizer):
                tensor.copy_(before[id(tensor)]) if id(tensor) in before else tensor.zero_()


def _state(optimizer: torch.optim.Optimizer) -> Iterator[Tensor]:
    for entries in optimizer.state.values():
        yield from (value for value in entries.values() if isinstance(value, Tensor))


def facts(engine: str, reason: str | None) -> dict[str, str]:
    """Return what a record says: how steps were taken, and why not as they were to be."""
    return {"engine": engine} | ({"engine_reason": reason} if reason else {})


def in_a_line(error: Exception) -> str:
    """Return what an error says first, and its kind."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    return f"{type(error).__name__}: {lines[0]}"


@contextmanager
def _waiting_is_an_error() -> Iterator[None]:
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@contextmanager
def _capturable(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Let adam and adamw allow a capture; outside one, torch would warn of it."""
    groups = [group for group in optimizer.param_groups if "capturable" in group]
    try:
        for group in groups:
            group["capturable"] = True
        yield
    finally:
        for group in groups:
            group["capturable"] = False
