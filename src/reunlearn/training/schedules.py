"""Learning-rate schedules by name: torch's own schedulers, cut to the length of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    SequentialLR,
)

from reunlearn.study.recipes import Recipe

SCHEDULES = ("constant", "cosine", "linear", "exponential", "multistep")


def make_schedule(recipe: Recipe, optimizer: Optimizer, count: int) -> LRScheduler:
    """Return the schedule of a training by a recipe: to be stepped after each batch, or each epoch, as it says.

    Args:
        recipe: says which schedule, its length and its warm-up.
        optimizer: has the recipe's learning rate.
        count: samples in the training set.
    """
    steps = math.ceil(count / recipe.batch_size) if recipe.schedule_per == "step" else 1  # of an epoch
    return schedule_over(
        optimizer,
        recipe.schedule,
        recipe.epochs * steps,
        end=recipe.schedule_end,
        milestones=[epoch * steps for epoch in recipe.milestones],
        warmup=recipe.warmup_epochs * steps,
    )


def schedule_over(
    optimizer: Optimizer,
    name: str,
    steps: int,
    *,
    end: float = 0.001,
    milestones: Sequence[int] = (),
    warmup: int = 0,
) -> LRScheduler:
    """Return a schedule over so many steps; the optimizer has the first rate at once.

    cosine reaches 0 after the last step; linear and exponential have `end` times the rate in the last one;
    multistep divides by ten. With a warm-up the rate rises in equal steps, from 1/n of it to all of it in the
    n steps of the warm-up, and the schedule covers the rest.

    Args:
        optimizer: has the learning rate that the schedule starts from.
        name: one of SCHEDULES.
        steps: of the training, warm-up included: how often the schedule is to be stepped.
        end: linear, exponential: last rate as a share of the first; above 0 for exponential.
        milestones: multistep: steps, counted from the start of the training, after which it divides.
        warmup: steps of the warm-up, fewer than `steps`.

    Raises:
        ValueError: there is no schedule of this name.
    """
    main = _main(optimizer, name, steps - warmup, end, [step - warmup for step in milestones])
    if not warmup:
        return main
    rise = LinearLR(optimizer, start_factor=1 / warmup, end_factor=1.0, total_iters=warmup - 1)
    return SequentialLR(optimizer, [rise, main], milestones=[warmup])


def _main(optimizer: Optimizer, name: str, steps: int, end: float, milestones: Sequence[int]) -> LRScheduler:
    """Return the schedule without its warm-up."""
    falls = max(1, steps - 1)  # how often the rate changes between the first and the last step
    match name:
        case "constant":
            return ConstantLR(optimizer, factor=1.0)
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=max(1, steps))
        case "linear":
            return LinearLR(optimizer, start_factor=1.0, end_factor=end, total_iters=falls)
        case "exponential":
            return ExponentialLR(optimizer, gamma=end ** (1 / falls))
        case "multistep":
            return MultiStepLR(optimizer, milestones=milestones, gamma=0.1)
    raise ValueError(f"no schedule '{name}'; known: {', '.join(SCHEDULES)}")


def advance(schedule: LRScheduler, steps: int) -> None:
    """Bring a fresh schedule to where it is after so many steps; no weight moves, no momentum is gathered."""
    optimizer = schedule.optimizer
    optimizer.zero_grad(set_to_none=True)
    optimizer.step()  # does nothing without gradients, but torch wants one before a schedule's first step
    for _ in range(steps):
        schedule.step()
