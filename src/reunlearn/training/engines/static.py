"""A step on tensors that stay where they are: what a CUDA graph (capture.py) can take down once and play again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

Numbers = tuple[Tensor, ...]
Take = Callable[[Sequence[Tensor]], Numbers]
Compute = Callable[[], Numbers]


class StaticStep:
    """Steps that read what is new in each, and the learning rates, from fixed tensors.

    The first one gives the shapes and how they lie in memory; one that is otherwise, such as that of a smaller last
    batch, is an ordinary step: it reads the same rates, so that no bit depends on what came first.

    Args:
        take: takes an ordinary step: from what is new in it, tensors, to what it computed.
        optimizer: moves the weights in each step.
        made: gives what takes a step, from what computes one; called once, when the fixed tensors are filled.
    """

    def __init__(
        self,
        take: Take,
        optimizer: torch.optim.Optimizer,
        made: Callable[[Compute], Compute] = lambda compute: compute,
    ) -> None:
        self._ordinary, self._optimizer, self._made = take, optimizer, made
        self.inputs: list[Tensor] | None = None  # the fixed tensors

    def __call__(self, incoming: Sequence[Tensor]) -> Numbers:
        """Take one step; what it returns is valid until the next one."""
        if self.inputs is None:
            self.inputs = [each.clone() for each in incoming]
            # what a GPU's fused optimizers read; on a CPU no bit of the rate is lost
            dtype = torch.float32 if incoming[0].is_cuda else torch.float64
            self._rates = [
                torch.zeros((), dtype=dtype, device=incoming[0].device) for _ in self._optimizer.param_groups
            ]
            self._fill(self.inputs, incoming)
            self._take = self._made(self._compute)
        if _layout(incoming) != _layout(self.inputs):
            self._fill([], [])
            with self._rates_as_tensors():
                return self._ordinary(incoming)
        self._fill(self.inputs, incoming)
        return self._take()

    def _fill(self, inputs: Sequence[Tensor], incoming: Sequence[Tensor]) -> None:
        """Put what is new and the present learning rates where the step reads them; nothing waits for the device."""
        for place, value in zip(inputs, incoming, strict=True):
            place.copy_(value, non_blocking=True)
        for rate, group in zip(self._rates, self._optimizer.param_groups, strict=True):
            rate.fill_(group["lr"])

    def _compute(self) -> Numbers:
        assert self.inputs is not None
        with self._rates_as_tensors():
            return self._ordinary(self.inputs)

    @contextmanager
    def _rates_as_tensors(self) -> Iterator[None]:
        """Let the optimizer read its rates from tensors; outside, schedules and checkpoints find numbers."""
        groups = self._optimizer.param_groups
        numbers = [group["lr"] for group in groups]
        try:
            for group, rate in zip(groups, self._rates, strict=True):
                group["lr"] = rate
            yield
        finally:
            for group, number in zip(groups, numbers, strict=True):
                group["lr"] = number


def _layout(tensors: Sequence[Tensor]) -> list[tuple[torch.Size, tuple[int, ...]]]:
    return [(each.shape, each.stride()) for each in tensors]
