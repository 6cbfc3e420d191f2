"""Where a method's loop is, kept from time to time, so that an interrupted run goes on from there: to the same bits.

A method that is run again does all that comes before its loop once more, and draws as it did. The loop then begins
where it was when it was last kept, with all that changes while it runs: weights, optimizer, schedule, random states,
counted samples, history, series, and what the method puts into `own`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from reunlearn.base.interval import checkpoint_seconds
from reunlearn.base.prefixes import below
from reunlearn.training import checkpoint
from reunlearn.training.schedules import advance
from reunlearn.unlearning.series import Series

COST = 0.03  # keeping takes at most this share of the time


class Counted(Protocol):
    """A set that counts what is drawn of it."""

    drawn: int


@dataclass(frozen=True)
class Place:
    """Where a run keeps its progress.

    Attributes:
        folder: of checkpoints.
        key: what a checkpoint must share with the run: all that its result depends on.
        history: what the method logged so far, in the list that its task appends to.
        resumed: called when a loop goes on, with the seconds that were spent before, less those spent again.
        seconds: at least, between two times that it is kept.
    """

    folder: Path
    key: str
    history: list[dict[str, Any]]
    resumed: Callable[[float], None] = lambda seconds: None
    seconds: float = field(default_factory=checkpoint_seconds)


@dataclass(frozen=True)
class Surroundings:
    """What else changes while a method loops: random states, counts, series."""

    generator: torch.Generator
    device: torch.device
    sets: Mapping[str, Counted]
    series: Series

    def state(self) -> tuple[dict[str, int], dict[str, Tensor]]:
        """Return how many samples of each set were drawn, and tensors."""
        tensors = {"generator": self.generator.get_state(), "layers": torch.random.get_rng_state()}
        if self.device.type == "cuda":
            tensors["layers.cuda"] = torch.cuda.get_rng_state(self.device)
        tensors |= {f"series.{name}": value for name, value in self.series.state().items()}
        return {name: counted.drawn for name, counted in self.sets.items()}, tensors

    def restore(self, drawn: dict[str, int], tensors: dict[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.generator.set_state(tensors["generator"])
        torch.random.set_rng_state(tensors["layers"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["layers.cuda"], self.device)
        self.series.restore(below(tensors, "series."))
        for name, count in drawn.items():
            self.sets[name].drawn = count


class Progress:
    """What walks through a method's loops.

    Args:
        around: what else changes.
        place: where progress is kept; nowhere if None.

    Attributes:
        own: tensors of the method that change while it loops. As a loop goes on, those that are there get their values
            in place; a tensor of another shape is replaced and has to be read from here.
    """

    def __init__(self, around: Surroundings, place: Place | None = None) -> None:
        self.own: dict[str, Tensor] = {}
        self._around, self._place = around, place
        self._found = checkpoint.read_kept(place.folder, place.key) if place else None
        self._began = self._kept_at = time.monotonic()
        self._loop = 0
        self._took = self._took_last = 0.0

    def walk(
        self,
        count: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        schedule: LRScheduler | None = None,
    ) -> Iterator[int]:
        """Yield 0 … count − 1, or what is left of it.

        Args:
            count: of steps or epochs.
            model: what the loop changes.
            optimizer: that changes it.
            schedule: of the optimizer; fresh.
        """
        self._loop += 1
        begin, parts = 0, (model, optimizer, schedule)
        if self._found and self._loop <= self._found.facts["loop"]:
            begin = self._go_on(*parts) if self._loop == self._found.facts["loop"] else count
        for number in range(begin, count):
            yield number
            if number + 1 < count:
                self._keep(number + 1, *parts)

    def _keep(
        self,
        done: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None,
        schedule: LRScheduler | None,
    ) -> None:
        began = time.monotonic()
        if not self._place or began - self._kept_at < self._place.seconds:
            return
        if self._took + self._took_last > COST * (began - self._began):
            return
        drawn, tensors = self._around.state()
        facts = {"loop": self._loop, "done": done, "drawn": drawn, "history": self._place.history}
        facts["seconds"] = began - self._began
        facts["training"] = [module.training for module in model.modules()]
        tensors |= {f"model.{name}": value for name, value in model.state_dict().items()}
        tensors |= {f"own.{name}": value for name, value in self.own.items()}
        if optimizer is not None:
            facts["optimizer"], state = checkpoint.optimizer_state(optimizer)
            tensors |= state
        if schedule is not None:
            facts["schedule_steps"] = schedule.last_epoch
        checkpoint.keep(self._place.folder, self._place.key, f"loop{self._loop}-{done}", facts, tensors)
        self._kept_at = time.monotonic()
        self._took_last = self._kept_at - began
        self._took += self._took_last

    def _go_on(
        self, model: nn.Module, optimizer: torch.optim.Optimizer | None, schedule: LRScheduler | None
    ) -> int:
        """Put everything back as it was; return how much of the loop is done."""
        assert self._found and self._place
        facts, tensors = self._found.facts, self._found.tensors
        model.load_state_dict(below(tensors, "model."))
        for module, training in zip(model.modules(), facts["training"], strict=True):
            module.training = training
        if schedule is not None:
            advance(schedule, facts["schedule_steps"])
        if optimizer is not None:
            checkpoint.restore_optimizer(optimizer, facts["optimizer"], tensors)
        for name, value in below(tensors, "own.").items():
            known = self.own.get(name)
            if known is not None and known.shape == value.shape:
                with torch.no_grad():
                    known.copy_(value)
            else:
                self.own[name] = value.to(self._around.device)
        self._around.restore(facts["drawn"], tensors)
        self._place.history[:] = [
            {name: math.nan if value is None else value for name, value in entry.items()}
            for entry in facts["history"]
        ]  # JSON has no NaN
        before = time.monotonic() - self._began
        self._place.resumed(facts["seconds"] - before)
        self._began -= facts["seconds"] - before
        self._found = None
        done: int = facts["done"]
        return done
