"""A step on tensors that stay where they are: what a CUDA graph (capture.py) can take down once and play again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor

from reunlearn.data.batches import Batch
from reunlearn.training.engines.engine import Engine

Compute = Callable[[], Tensor]


class StaticStep(Engine):
    """Goes before an engine among the bases: its steps read batches and learning rates from fixed tensors.

    The first batch gives the shapes; one of other shapes, such as a smaller last batch, takes an ordinary step. A
    draw must be a tensor.
    """

    _take: Compute | None = None

    def step(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Take one step of every model; return their losses [M], valid until the next step."""
        incoming = _tensors(batches, draws)
        if self._take is None:
            self._batches = [Batch(x.clone(), y.clone(), i.clone()) for x, y, i in map(_parts, batches)]
            self._draws = [draw.clone() for draw in draws]
            self._inputs = _tensors(self._batches, self._draws)
            # what a GPU's fused optimizers read; on a CPU no bit of the rate is lost
            dtype = torch.float32 if self._inputs[0].is_cuda else torch.float64
            self._rates = [
                torch.zeros((), dtype=dtype, device=self._inputs[0].device)
                for _ in self.optimizer.param_groups
            ]
            self._fill(incoming)
            self._take = self.made(self._compute)
        if [each.shape for each in incoming] != [each.shape for each in self._inputs]:
            return super().step(batches, draws)
        self._fill(incoming)
        return self._take()

    def made(self, compute: Compute) -> Compute:
        """Return what takes a step, made from what computes one; called once, when the tensors are filled."""
        return compute

    def _fill(self, incoming: Sequence[Tensor]) -> None:
        """Put a batch and the present learning rates where the step reads them; nothing waits for the device."""
        for place, value in zip(self._inputs, incoming, strict=True):
            if place.shape == value.shape:
                place.copy_(value, non_blocking=True)
        for rate, group in zip(self._rates, self.optimizer.param_groups, strict=True):
            rate.fill_(group["lr"])

    def _compute(self) -> Tensor:
        with self._rates_as_tensors():
            return super().step(self._batches, self._draws)

    @contextmanager
    def _rates_as_tensors(self) -> Iterator[None]:
        """Let the optimizer read its rates from tensors; outside, schedules and checkpoints find numbers."""
        numbers = [group["lr"] for group in self.optimizer.param_groups]
        try:
            for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate
            yield
        finally:
            for group, number in zip(self.optimizer.param_groups, numbers, strict=True):
                group["lr"] = number


def _parts(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    return batch.x, batch.y, batch.index


def _tensors(batches: Sequence[Batch], draws: Sequence[Any]) -> list[Tensor]:
    return [each for batch in batches for each in _parts(batch)] + [cast(Tensor, draw) for draw in draws]
