"""Train a model by a recipe: the same bits for the same specification, resumed or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.base import Objective
from reunlearn.records.digest import PACKAGE, code_digest
from reunlearn.study.paths import full_digest
from reunlearn.training import checkpoint
from reunlearn.training.optimizers import make_optimizer, rate_at, set_rate

CHECKPOINT_SECONDS = 60.0


def train(
    model: nn.Module,
    samples: Samples,
    objective: Objective,
    recipe: dict[str, Any],
    seed: int,
    checkpoints: Path | None = None,
    progress: Callable[[dict[str, Any], int], None] = lambda numbers, epochs: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> list[dict[str, Any]]:
    """Train `model` in place.

    Args:
        model: on the samples' device.
        samples: the training set.
        objective: gives the loss.
        recipe: optimizer, epochs, batch size, schedule, augmentation.
        seed: of the batch order and the augmentation.
        checkpoints: where resumable state is kept while training; None keeps none.
        progress: called after each epoch with its numbers and the number of epochs.
        checkpoint_seconds: least seconds between two checkpoints.

    Returns:
        One entry per epoch: epoch, loss, learning_rate. Training ends early, with the weights as they are then, when
        the loss stops being finite; the last entry then has a loss that is not.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = make_optimizer(
        recipe["optimizer"],
        model.parameters(),
        recipe["learning_rate"],
        recipe["momentum"],
        recipe["weight_decay"],
    )
    key = _key(model, samples, objective, recipe, seed)
    history = checkpoint.resume(checkpoints, key, model, optimizer, generator) if checkpoints else []
    model.train()
    last_saved = time.monotonic()
    epochs = recipe["epochs"]
    for epoch in range(len(history), epochs):
        milestones = tuple(recipe["milestones"])
        rate = rate_at(recipe["schedule"], recipe["learning_rate"], epoch, epochs, milestones)
        set_rate(optimizer, rate)
        total = torch.zeros((), device=samples.device)
        for batch in samples.batches(recipe["batch_size"], generator, shuffle=True, augmented=True):
            loss = objective.loss(model, batch, objective.draw(batch, generator))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        history.append({"epoch": epoch + 1, "loss": float(total) / len(samples), "learning_rate": rate})
        progress(history[-1], epochs)
        if not torch.isfinite(total):
            break
        if checkpoints and epoch + 1 < epochs and time.monotonic() - last_saved >= checkpoint_seconds:
            checkpoint.save(checkpoints, key, history, model, optimizer, generator)
            last_saved = time.monotonic()
    if checkpoints:
        checkpoint.discard(checkpoints)
    return history


def _key(model: nn.Module, samples: Samples, objective: Objective, recipe: dict[str, Any], seed: int) -> str:
    """Return what a checkpoint must share with this training: all that its result depends on, code included."""
    modules = {__name__, type(model).__module__, type(objective).__module__}
    own = sorted(m for m in modules if m.split(".")[0] == PACKAGE)
    facts = {
        "recipe": recipe,
        "seed": seed,
        "samples": samples.index.tolist(),
        "augmentation": samples.augmentation,
        "shapes": [list(p.shape) for p in model.parameters()],
        "code": code_digest(tuple(own)),
        "torch": torch.__version__,
    }
    return full_digest(facts)
