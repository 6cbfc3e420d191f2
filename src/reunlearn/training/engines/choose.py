"""Which engine trains: the one that a recipe names, or the fastest that computes the same; and why no other does.

An engine that cannot be had gives way to eager. Whether one can be had is tried out on copies of the models: it takes
some steps, and so does the ordinary engine.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective, draws_nothing
from reunlearn.study.recipes import Recipe
from reunlearn.training.engines.capture import DRAWS, NO_GPU, TOLERANCE, facts, in_a_line
from reunlearn.training.engines.compiled import Compiled
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.engine import Engine
from reunlearn.training.engines.graphed import Graphed
from reunlearn.training.randomness import seeded

STEPS = 3


@dataclass(frozen=True)
class Choice:
    """An engine, and why it is not the one that was asked for, or that is faster here."""

    engine: type[Engine]
    reason: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        """What the record says."""
        return facts(self.engine.name, self.reason)


def choose(model: nn.Module, samples: Samples, objective: Objective, recipe: Recipe) -> Choice:
    """Return the engine of one model.

    Args:
        model: on the samples' device; it is left as it is.
        samples: its training set.
        objective: gives the loss.
        recipe: says which engine is wanted.
    """
    on_gpu = samples.device.type == "cuda"
    if recipe.engine == "eager" or (recipe.engine == "auto" and not on_gpu):
        return Choice(Eager)
    if recipe.engine == "grouped":
        return Choice(Eager, "there is only one model")
    if recipe.engine == "compiled":
        wanted: type[Engine] = Compiled
        reason = disagreement(Compiled, [model], [samples], objective, recipe)
    else:
        wanted, reason = Graphed, why_not_captured(Graphed, [model], [samples], objective, recipe)
    return Choice(Eager, reason) if reason else Choice(wanted)


def why_not_captured(
    engine: type[Engine],
    models: Sequence[nn.Module],
    samples: Sequence[Samples],
    objective: Objective,
    recipe: Recipe,
) -> str | None:
    """Return why an engine that captures its step cannot be had for these models; None if it can."""
    if samples[0].device.type != "cuda":
        return NO_GPU
    # such an objective also computes each batch by the same operations
    if not draws_nothing(objective):
        return DRAWS
    return disagreement(engine, models, samples, objective, recipe)


def disagreement(
    engine: type[Engine],
    models: Sequence[nn.Module],
    samples: Sequence[Samples],
    objective: Objective,
    recipe: Recipe,
) -> str | None:
    """Return how an engine fails, or computes something else than the ordinary one; None if it does neither."""
    steps = _full_batches(samples, recipe.batch_size)
    if isinstance(steps, str):
        return steps
    assert engine.ordinary is not None
    losses, moved = [], False
    for kind in (engine.ordinary, engine):
        with seeded(0, "trial", device=samples[0].device):
            before = torch.get_rng_state()
            try:
                trial = kind(copy.deepcopy(list(models)), samples, objective, recipe)
                losses.append(_losses(trial, samples, steps))
            except RuntimeError as error:
                return in_a_line(error)
            moved = not torch.equal(torch.get_rng_state(), before)
    if moved and samples[0].device.type == "cuda":
        return "the network draws random numbers on the CPU"
    ordinary, own = losses
    if not torch.allclose(own, ordinary, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        return f"in a trial its losses {_written(own)} were not those of {engine.ordinary.name}, {_written(ordinary)}"
    return None


def _full_batches(samples: Sequence[Samples], size: int) -> list[slice] | str:
    """Return the rows of some batches of one shape, or why there are none."""
    count = min(len(each) for each in samples)
    full = [slice(begin, begin + size) for begin in range(0, STEPS * size, size) if begin + size <= count]
    if not full:
        return "there is no full batch"
    if len({each.inputs(rows).shape for each in samples for rows in full}) > 1:
        return "batches differ in length"
    return [full[step % len(full)] for step in range(STEPS)]


def _losses(trial: Engine, samples: Sequence[Samples], steps: Sequence[slice]) -> Tensor:
    """Return the losses [STEPS, M] of some steps."""
    generator, losses = torch.Generator().manual_seed(0), []
    for rows in steps:
        batches = [each.take(rows) for each in samples]
        draws = [trial.objective.draw(batch, generator) for batch in batches]
        losses.append(trial.step(batches, draws).clone())
    return torch.stack(losses).cpu()


def _written(losses: Tensor) -> str:
    return ", ".join(f"{loss:.4g}" for loss in losses.flatten().tolist()[:STEPS])
