"""How a method takes its optimizer steps: one operation after the other, or on a GPU each as one CUDA graph.

A step that is to be captured is a function of tensors: Python runs once, when the graph is taken down. What such a
function reads besides the weights is the same in all steps, or comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.objectives.registry import Objective, draws_nothing
from reunlearn.training.engines.capture import (
    DRAWS,
    NO_GPU,
    TOLERANCE,
    captured,
    facts,
    in_a_line,
    unchanged,
)
from reunlearn.training.engines.static import Compute, Numbers, StaticStep

TRIED = 3  # steps that a graph takes on trial, and as many ordinary ones before

# from batches, or single tensors, to the loss to descend, or to this loss and more that is wanted of the step
Losses = Callable[..., Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True)
class Way:
    """How steps are taken: eager, by single operations, or graphed; and why not as they were to be."""

    engine: str = "eager"
    reason: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        """What the record says."""
        return facts(self.engine, self.reason)


GRAPHED = Way("graphed")


def choose(asked: str, device: torch.device, objective: Objective, *, probed: bool) -> Way:
    """Return how the steps of a method are to be taken; whether a step can be captured is seen at the first one.

    Args:
        asked: the engine of the original's recipe.
        device: of the model.
        objective: gives losses.
        probed: whether somebody looks at the gradients within a step.
    """
    if asked not in ("auto", GRAPHED.engine):
        return Way()
    if device.type != "cuda":
        return Way(reason=NO_GPU if asked == GRAPHED.engine else None)
    if not draws_nothing(objective):
        return Way(reason=DRAWS)
    return Way(reason="gradients within a step are looked at") if probed else GRAPHED


class Steps:
    """Takes the steps of one loop of a method.

    Args:
        model: is changed in place.
        optimizer: of its weights.
        losses: see Losses.
        way: how to take them.
        move: changes the weights along their gradients; the optimizer's step if None.
        note: is told how they are taken in the end.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        losses: Losses,
        way: Way,
        *,
        move: Callable[[], Any] | None = None,
        note: Callable[[Way], None] = lambda way: None,
    ) -> None:
        self._model, self._optimizer, self._losses = model, optimizer, losses
        self._move, self._note = move, note
        self._static = StaticStep(self._from_tensors, optimizer, self._made) if way == GRAPHED else None
        if self._static is None:
            note(way)

    def __call__(self, *read: Any) -> Numbers:
        """Take one step; return the loss and what else the losses gave, without gradients.

        Args:
            read: what is new in this step, as the losses take it; for a graph, batches and tensors.
        """
        if self._static is None:
            return self._step(*read)
        self._are_batches = [isinstance(part, Batch) for part in read]
        parts = [(part.x, part.y, part.index) if isinstance(part, Batch) else (part,) for part in read]
        # the next step writes where this one left its numbers
        return tuple(number.clone() for number in self._static([each for part in parts for each in part]))

    def _step(self, *read: Any) -> Numbers:
        given = self._losses(*read)
        loss, *more = given if isinstance(given, tuple) else (given,)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self._move:
            self._move()
        else:
            self._optimizer.step()
        return loss.detach(), *(number.detach() for number in more)

    def _from_tensors(self, tensors: Sequence[Tensor]) -> Numbers:
        left = iter(tensors)
        read = (
            Batch(next(left), next(left), next(left)) if each else next(left) for each in self._are_batches
        )
        return self._step(*read)

    def _made(self, compute: Compute) -> Compute:
        """Return what plays the step again, if it then computes what it should; else what computes it."""
        play, reason = tried(compute, self._model, self._optimizer)
        self._note(Way(reason=reason) if reason else GRAPHED)
        return play


def tried(compute: Compute, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Compute, str | None]:
    """Return what takes a step from now on, and why this is no graph; weights and the like are as they were.

    Args:
        compute: computes a step by single operations.
        model, optimizer: that the step changes.
    """
    before = torch.get_rng_state()
    try:
        with unchanged(model, optimizer):
            ordinary = torch.stack([compute()[0].clone() for _ in range(TRIED)])
            moved = not torch.equal(torch.get_rng_state(), before)
        if moved:
            return compute, "the network draws random numbers on the CPU"
        play = captured(compute, model, optimizer)
        with unchanged(model, optimizer):
            own = torch.stack([play()[0].clone() for _ in range(TRIED)])
    except RuntimeError as error:
        return compute, in_a_line(error)
    if not torch.allclose(own, ordinary, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        return compute, "in a trial its losses were not those of single operations"
    return play, None
