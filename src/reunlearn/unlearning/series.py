"""Numbers over time that a study asks a method to note: losses and λ per step, conflicts and cosines per epoch.

    losses      forget_loss, retain_loss, wrong_label_loss      per step
    lambda      lambda                                          per step
    conflicts   conflict_forget_retain, conflict_retain_others, conflict_forget_others      per epoch
    cosines     cosine, cosine_low, cosine_high                                             per epoch

What is not asked for costs nothing. Nothing here changes a weight, draws from the method's generator or counts as
drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch

Directions = tuple[
    Sequence[Tensor], Sequence[Tensor]
]  # of forget and of retain; the weights move against both
Pair = Directions | Callable[[], Directions]  # or what computes it
STACKED = 1000  # numbers of a series that wait on the device


class Probe(Protocol):
    """Looks at the gradients of single forget samples; see probes.py."""

    seconds: float  # that it took

    def directions(self, model: nn.Module, forget: Batch, pair: Pair) -> None:
        """Look at the two directions of a step."""

    def end_epoch(self, model: nn.Module) -> dict[str, float]:
        """Return the numbers of an epoch."""


class Series:
    """The recorder that a method's task holds.

    Args:
        asked: what is to be noted: keys of study/logs.py.
        probe: where conflicts or cosines are asked for.
    """

    def __init__(self, asked: Collection[str] = (), probe: Probe | None = None) -> None:
        self.asked, self.probe = frozenset(asked), probe
        self._step = self._epoch = 0
        self._points: dict[str, _Points] = {}

    @property
    def seconds(self) -> float:
        """Seconds that probing took: they are no part of the method's run time."""
        return self.probe.seconds if self.probe else 0.0

    def step(self, *, weight: Tensor | float | None = None, **losses: Tensor) -> None:
        """Note an optimizer step.

        Args:
            weight: of the forget term.
            losses: `forget`, `retain` and `wrong_label` (of forget samples, against the labels that they are taught):
                a mean, or one loss per sample; of no sample there is none. Methods that imitate a teacher give their
                divergence from it.
        """
        self._step += 1
        if "losses" in self.asked:
            for name, loss in losses.items():
                if loss.numel():
                    self._note(f"{name}_loss", self._step, loss.detach().mean())
        if "lambda" in self.asked and weight is not None:
            self._note("lambda", self._step, torch.as_tensor(weight))

    def directions(self, model: nn.Module, forget: Batch, pair: Pair) -> None:
        """Look at the two directions of a step; a function is called only where conflicts are asked for."""
        if self.probe and "conflicts" in self.asked:
            self.probe.directions(model, forget, pair)

    def end_epoch(self, model: nn.Module) -> None:
        """Note the end of an epoch."""
        self._epoch += 1
        for name, value in (self.probe.end_epoch(model) if self.probe else {}).items():
            self._note(name, self._epoch, torch.tensor(value))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return NAME.step [N] and NAME.value [N] of every series: steps and epochs count from 1."""
        arrays = {}
        for name, points in self._points.items():
            arrays[f"{name}.step"] = np.array(points.steps, dtype=np.int32)
            arrays[f"{name}.value"] = points.values()
        return arrays

    def state(self) -> dict[str, Tensor]:
        """Return what was noted so far; probes are no part of it."""
        arrays = {name: torch.from_numpy(array) for name, array in self.arrays().items()}
        return {**arrays, "counts": torch.tensor([self._step, self._epoch])}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self._step, self._epoch = state["counts"].tolist()
        names = [name.removesuffix(".step") for name in state if name.endswith(".step")]
        self._points = {
            name: _Points(state[f"{name}.step"].tolist(), state[f"{name}.value"].numpy()) for name in names
        }

    def _note(self, name: str, place: int, value: Tensor) -> None:
        self._points.setdefault(name, _Points()).add(place, value)


class _Points:
    """One series: its numbers stay on the device until many are read at once, so that no step waits for them."""

    def __init__(self, steps: list[int] | None = None, read: np.ndarray | None = None) -> None:
        self.steps: list[int] = steps or []
        self._waiting: list[Tensor] = []
        self._read: list[np.ndarray] = [] if read is None else [read]

    def add(self, step: int, value: Tensor) -> None:
        self.steps.append(step)
        self._waiting.append(value)
        if len(self._waiting) == STACKED:
            self._fetch()

    def values(self) -> np.ndarray:
        """Return the numbers [N], float32."""
        self._fetch()
        return np.concatenate(self._read)

    def _fetch(self) -> None:
        if self._waiting:
            self._read.append(torch.stack(self._waiting).float().cpu().numpy())
            self._waiting = []
