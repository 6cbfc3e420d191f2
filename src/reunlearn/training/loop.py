"""Train a model by a recipe: the same bits for the same specification, resumed or not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from reunlearn.artifacts.digest import PACKAGE, code_digest
from reunlearn.base.hashing import full_digest
from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective
from reunlearn.training import checkpoint
from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.precision import autocast
from reunlearn.training.randomness import seeded
from reunlearn.training.schedules import make_schedule

CHECKPOINT_SECONDS = 60.0

Around = Callable[[Batch], AbstractContextManager[None]]  # entered before a batch's step, left after it


def train(
    model: nn.Module,
    samples: Samples,
    objective: Objective,
    recipe: dict[str, Any],
    seed: int,
    checkpoints: Path | None = None,
    progress: Callable[[dict[str, Any], int], None] = lambda numbers, epochs: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    around: Around = lambda batch: nullcontext(),
) -> list[dict[str, Any]]:
    """Train `model` in place.

    Args:
        model: on the samples' device.
        samples: the training set.
        objective: gives the loss.
        recipe: every key of the schema's Recipe; resize, mean and the like are the samples' matter.
        seed: of the batch order, the augmentation, and what layers draw (dropout).
        checkpoints: where resumable state is kept while training; None keeps none.
        progress: called after each epoch with its numbers and the number of epochs.
        checkpoint_seconds: least seconds between two checkpoints.
        around: gives for each batch a context that its step is taken in: who watches a training sees the weights
            before and after. It must change nothing and draw nothing. A resumed training shows it the rest only.

    Returns:
        One entry per epoch: epoch, loss, learning_rate (of its first batch). Training ends early, with the weights as
        they are then, when the loss stops being finite; the last entry then has a loss that is not.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = make_optimizer(
        recipe["optimizer"],
        model.parameters(),
        recipe["learning_rate"],
        recipe["momentum"],
        recipe["weight_decay"],
        recipe["nesterov"],
    )
    schedule = schedule_of(optimizer, recipe, len(samples))
    key = _key(model, samples, objective, recipe, seed)
    history = []
    if checkpoints:
        history = checkpoint.resume(checkpoints, key, model, optimizer, schedule, generator)
    model.train()
    last_saved = time.monotonic()
    epochs = recipe["epochs"]
    for epoch in range(len(history), epochs):
        rate = schedule.get_last_lr()[0]
        with seeded(seed, "epoch", epoch, device=samples.device):
            total = _train_epoch(model, samples, objective, recipe, optimizer, schedule, generator, around)
        history.append({"epoch": epoch + 1, "loss": float(total) / len(samples), "learning_rate": rate})
        progress(history[-1], epochs)
        if not torch.isfinite(total):
            break
        if checkpoints and epoch + 1 < epochs and time.monotonic() - last_saved >= checkpoint_seconds:
            checkpoint.save(checkpoints, key, history, model, optimizer, schedule, generator)
            last_saved = time.monotonic()
    if checkpoints:
        checkpoint.discard(checkpoints)
    return history


def schedule_of(optimizer: torch.optim.Optimizer, recipe: dict[str, Any], count: int) -> LRScheduler:
    """Return the recipe's schedule for a training set of `count` samples."""
    per_step = recipe["schedule_per"] == "step"
    return make_schedule(
        optimizer,
        recipe["schedule"],
        recipe["epochs"],
        math.ceil(count / recipe["batch_size"]) if per_step else 1,
        recipe["schedule_end"],
        recipe["milestones"],
        recipe["warmup_epochs"],
    )


def _train_epoch(
    model: nn.Module,
    samples: Samples,
    objective: Objective,
    recipe: dict[str, Any],
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler,
    generator: torch.Generator,
    around: Around,
) -> Tensor:
    """Take one pass over the samples; return the sum of their losses."""
    total = torch.zeros((), device=samples.device)
    forward = autocast(recipe["precision"], samples.device)
    for batch in samples.batches(recipe["batch_size"], generator, shuffle=True, augmented=True):
        with around(batch):
            with forward:
                loss = objective.loss(model, batch, objective.draw(batch, generator))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if recipe["schedule_per"] == "step":
            schedule.step()
        total += loss.detach() * len(batch)
    if recipe["schedule_per"] == "epoch":
        schedule.step()
    return total


def _key(model: nn.Module, samples: Samples, objective: Objective, recipe: dict[str, Any], seed: int) -> str:
    """Return what a checkpoint must share with this training: all that its result depends on, code included."""
    modules = {__name__, *(type(part).__module__ for part in (model, objective, samples))}
    own = sorted(m for m in modules if m.split(".")[0] == PACKAGE)
    facts = {
        "recipe": recipe,
        "seed": seed,
        "samples": samples.index.tolist(),
        "labels": samples.y.tolist(),
        "shapes": [list(p.shape) for p in model.parameters()],
        "code": code_digest(tuple(own)),
        "torch": torch.__version__,
    }
    return full_digest(facts)
