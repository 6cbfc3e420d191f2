"""What a method sees: the declared sets, the objective, a source of randomness, and nothing else.

The guard catches mistakes; it is no sandbox. Every sample that a method draws is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import Scenario
from reunlearn.training.batch_sizes import MEASURING, batch_size
from reunlearn.unlearning.progress import Place, Progress, Surroundings
from reunlearn.unlearning.series import Series
from reunlearn.unlearning.steps import Losses, Steps, Way, choose


class AccessError(RuntimeError):
    """A method touched data that it did not declare."""


class GuardedSet:
    """A declared set: batches with sample indices, counted as they are drawn."""

    __slots__ = ("_generator", "_own", "_samples", "drawn", "name")

    def __init__(
        self,
        name: str,
        samples: Samples,
        generator: torch.Generator,
        own: dict[str, Tensor] | None = None,
    ) -> None:
        self.name = name
        self._samples = samples
        self._generator = generator
        self._own = {} if own is None else own  # where streams keep how far they are
        self.drawn = 0  # samples handed out so far

    def __len__(self) -> int:
        return len(self._samples)

    def batches(
        self, size: int, shuffle: bool = True, augmented: bool = False, drop_last: bool = False
    ) -> Iterator[Batch]:
        """Yield one pass over the set; see Samples.batches."""
        for batch in self._samples.batches(size, self._generator, shuffle, augmented, drop_last):
            self.drawn += len(batch)
            yield batch

    def take(self, rows: Tensor, augmented: bool = False) -> Batch:
        """Return the samples at these places, 0 … length − 1, as one batch."""
        batch = self._samples.take(rows.to(self._samples.device), self._generator if augmented else None)
        self.drawn += len(batch)
        return batch

    def stream(self, size: int, shuffle: bool = True, augmented: bool = False) -> Iterator[Batch]:
        """Yield batches without end: pass after pass, each in a new order. One at a time may be used."""
        for part in ("rows", "ends"):
            self._own[f"{self.name}.{part}"] = torch.zeros(0, dtype=torch.int64)
        self._own[f"{self.name}.done"] = torch.zeros((), dtype=torch.int64)
        return self._stream(size, shuffle, augmented)

    def _stream(self, size: int, shuffle: bool, augmented: bool) -> Iterator[Batch]:
        rows, ends, done = (f"{self.name}.{part}" for part in ("rows", "ends", "done"))
        while True:
            if int(self._own[done]) == len(self._own[ends]):
                batches = self._samples.rows(size, self._generator if shuffle else None)
                self._own[rows] = torch.cat(batches)
                self._own[ends] = torch.tensor([len(batch) for batch in batches]).cumsum(0)
                self._own[done] = torch.zeros((), dtype=torch.int64)
            number = int(self._own[done])
            begin = int(self._own[ends][number - 1]) if number else 0
            self._own[done] += 1
            yield self.take(self._own[rows][begin : int(self._own[ends][number])], augmented)

    def steps(self, size: int) -> int:
        """Return the number of batches in one pass."""
        return math.ceil(len(self) / size)

    @property
    def large_batch(self) -> int:
        """Samples per batch where the set is only measured, and nothing is learnt."""
        return batch_size(MEASURING, self._samples)

    @property
    def pixel_scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation [C], float64, by which pixels in [0, 1] were normalised.

        Raises:
            AccessError: the samples are not images; declare the capability "pixels".
        """
        scale = self._samples.pixel_scale
        if scale is None:
            raise AccessError(f"the {self.name} set has no pixels; methods that need them declare it")
        return scale


class Task:
    """Everything that a method is given besides the model.

    Attributes:
        objective: gives losses; its randomness comes from `generator`.
        classes: number of classes, 0 where there are none.
        device: where model and batches live.
        input_shape: of one sample as the network gets it.
        generator: the source of every random draw of the method (a CPU generator).
        state: training-time state by kind, for the kinds that the method declared.
        scenario: what is forgotten, as the study says; a bare Scenario, in one step, where nobody said it.
        carried: tensors that the step before this one left in `carry`; empty in the first or only step.
        carry: tensors that the method leaves for the next step.
        series: notes numbers of steps and epochs, those that the study asks for.
        progress: walks through the loops of the method, which go on where an earlier run was interrupted.
        engine: how optimizer steps were taken, for the record; empty where `steps` took none.
    """

    def __init__(
        self,
        sets: dict[str, Samples],
        declared: set[str],
        objective: Objective,
        classes: int,
        seed: int,
        *,
        recipe: Recipe | None = None,
        state: dict[str, Path] | None = None,
        fresh: Callable[[int], nn.Module] | None = None,
        log: Callable[[dict[str, Any]], None] = lambda numbers: None,
        true_labels: Tensor | None = None,
        result: Callable[[int], nn.Module] | None = None,
        scenario: Scenario | None = None,
        carried: dict[str, Tensor] | None = None,
        series: Series | None = None,
        place: Place | None = None,
    ) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.objective = objective
        self.classes = classes
        self._recipe = recipe
        self.state = state or {}
        self._declared = declared
        allowed = {name: samples for name, samples in sets.items() if name in declared}
        some = next(iter(sets.values()))
        self.device = some.device
        self.series = series or Series()
        self._sets: dict[str, GuardedSet] = {}
        around = Surroundings(self.generator, self.device, self._sets, self.series)
        self.progress = Progress(around, place)
        for name, samples in allowed.items():
            self._sets[name] = GuardedSet(name, samples, self.generator, self.progress.own)
        self.input_shape: tuple[int, ...] = tuple(some.inputs(slice(0, 1)).shape[1:])
        self.scenario = scenario or Scenario()
        self.carried = carried or {}
        self.carry: dict[str, Tensor] = {}
        self._fresh = fresh
        self._result = result or fresh
        self._true_labels = true_labels if "true_labels" in declared else None
        self._log = log
        self.engine: dict[str, str] = {}

    def _get(self, name: str) -> GuardedSet:
        if name not in self._sets:
            declared = ", ".join(sorted(self._declared)) or "nothing"
            raise AccessError(
                f"the method reads '{name}' but declares {declared}; add it to Needs if the paper uses it"
            )
        return self._sets[name]

    @property
    def forget(self) -> GuardedSet:
        """The samples whose influence is to go."""
        return self._get("forget")

    @property
    def retain(self) -> GuardedSet:
        """The rest of the training set."""
        return self._get("retain")

    @property
    def validation(self) -> GuardedSet:
        """Held-out samples."""
        return self._get("validation")

    @property
    def recipe(self) -> Recipe:
        """How the original was trained."""
        if self._recipe is None:
            raise AccessError("this task does not say how the original was trained")
        return self._recipe

    def drawn(self) -> dict[str, int]:
        """Return how many samples of each declared set were really handed out."""
        return {name: guarded.drawn for name, guarded in sorted(self._sets.items())}

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean loss of a batch against the truth."""
        return self.objective.loss(model, batch, self.objective.draw(batch, self.generator))

    def mask_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean loss of a batch whose gradient tells which weights matter for it."""
        objective = self.objective.for_masks()
        return objective.loss(model, batch, objective.draw(batch, self.generator))

    def steps(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        losses: Losses,
        move: Callable[[], Any] | None = None,
    ) -> Steps:
        """Return what takes optimizer steps, on a GPU as CUDA graphs where that can be.

        Args:
            model: is changed in place.
            optimizer: of its weights.
            losses: from what is new in a step, batches and tensors, to the loss to descend, or to this loss and more
                that is wanted of the step. All else that they read is the same in every step.
            move: changes the weights along their gradients; the optimizer's step if None.
        """
        asked = self._recipe.engine if self._recipe else "auto"
        way = choose(asked, self.device, self.objective, probed=self.series.probe is not None)
        return Steps(model, optimizer, losses, way, move=move, note=self._note_engine)

    def number(self, value: float) -> Tensor:
        """Return a number that changes from step to step as a step may read it: float64, on the device."""
        return torch.full((), value, dtype=torch.float64, device=self.device)

    def _note_engine(self, way: Way) -> None:
        if "engine_reason" not in self.engine:
            self.engine = way.facts

    def pairs(
        self, size: int, augmented: bool = True, until: str = "shorter"
    ) -> Iterator[tuple[Batch, Batch]]:
        """Yield one epoch of (forget batch, retain batch).

        Args:
            size: samples per batch of both.
            augmented: augment both.
            until: "shorter" ends with the shorter set; "forget" and "retain" end with that set and cycle the other.
        """
        if until not in ("shorter", "forget", "retain"):
            raise ValueError(f"until is '{until}'; known: shorter, forget, retain")
        forget = self.forget.stream(size, augmented=augmented)
        retain = self.retain.stream(size, augmented=augmented)
        steps = {"forget": self.forget.steps(size), "retain": self.retain.steps(size)}
        for _ in range(min(steps.values()) if until == "shorter" else steps[until]):
            # no batch is drawn that no step uses; the set that ends the epoch is drawn first
            if until == "retain":
                retain_batch = next(retain)
                yield next(forget), retain_batch
            else:
                forget_batch = next(forget)
                yield forget_batch, next(retain)

    def true_labels(self, batch: Batch) -> Tensor:
        """Return the true labels [B] of training samples; batch.y is what the original model was taught."""
        if self._true_labels is None:
            raise AccessError(
                "the method reads true labels but does not declare them; add true_labels to Needs"
            )
        return self._true_labels[batch.index]

    def fresh_model(self, seed: int) -> nn.Module:
        """Return a freshly initialised model of the same architecture, on the device."""
        if self._fresh is None:
            raise AccessError("this task gives no fresh models")
        return self._fresh(seed)

    def result_model(self, seed: int) -> nn.Module:
        """Return a freshly initialised model of the architecture that the method returns, on the device."""
        if self._result is None:
            raise AccessError("this task gives no fresh models")
        return self._result(seed)

    def log(self, step: int, **numbers: float) -> None:
        """Note numbers of a step; they go to history.jsonl."""
        self._log({"step": step, **numbers})
