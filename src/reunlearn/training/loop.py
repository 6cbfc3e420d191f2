"""Train a model by a recipe: the same bits for the same specification, resumed or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reunlearn.artifacts.digest import PACKAGE, code_digest
from reunlearn.base.hashing import full_digest
from reunlearn.base.interval import checkpoint_seconds
from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.recipes import Recipe
from reunlearn.training import checkpoint
from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.precision import autocast
from reunlearn.training.randomness import seeded
from reunlearn.training.running import History, Running, resume, save
from reunlearn.training.schedules import make_schedule

Around = Callable[[Batch], AbstractContextManager[None]]  # entered before a batch's step, left after it


def train(
    model: nn.Module,
    samples: Samples,
    objective: Objective,
    recipe: Recipe,
    seed: int,
    *,
    checkpoints: Path | None = None,
    progress: Callable[[dict[str, Any], int], None] = lambda numbers, epochs: None,
    seconds_between: float | None = None,
    around: Around = lambda batch: nullcontext(),
    resumed: Callable[[float], None] = lambda seconds: None,
) -> History:
    """Train `model` in place.

    Args:
        model: on the samples' device.
        samples: the training set.
        objective: gives the loss.
        recipe: how to train; its resize, mean and the like are the samples' matter.
        seed: of the batch order, the augmentation, and what layers draw (dropout).
        checkpoints: where resumable state is kept while training; None keeps none.
        progress: called after each epoch with its numbers and the number of epochs.
        seconds_between: two checkpoints, at least; as many as the environment says if None.
        around: gives for each batch a context that its step is taken in: who watches a training sees the weights
            before and after. It must change nothing and draw nothing. A resumed training shows it the rest only.
        resumed: called when a training goes on, with the seconds that were spent before.

    Returns:
        One entry per epoch: epoch, loss, learning_rate (of its first batch). Training ends early, with the weights as
        they are then, when the loss stops being finite; the last entry then has a loss that is not.
    """
    optimizer = make_optimizer(recipe, model.parameters())
    schedule = make_schedule(recipe, optimizer, len(samples))
    average = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)) if recipe.average else None
    )
    running = Running(model, optimizer, schedule, torch.Generator().manual_seed(seed), average)
    key = _key(model, samples, objective, recipe, seed)
    history, earlier = resume(checkpoints, key, running) if checkpoints else ([], 0.0)
    if earlier:
        resumed(earlier)
    model.train()
    began = last_saved = time.monotonic()
    seconds = checkpoint_seconds() if seconds_between is None else seconds_between
    for epoch in range(len(history), recipe.epochs):
        rate = schedule.get_last_lr()[0]
        with seeded(seed, "epoch", epoch, device=samples.device):
            total = _train_epoch(running, samples, objective, recipe, around)
        history.append({"epoch": epoch + 1, "loss": float(total) / len(samples), "learning_rate": rate})
        progress(history[-1], recipe.epochs)
        if not torch.isfinite(total):
            break
        due = epoch + 1 < recipe.epochs and time.monotonic() - last_saved >= seconds
        if checkpoints and due:
            spent = earlier + time.monotonic() - began
            save(checkpoints, key, history, running, spent)
            last_saved = time.monotonic()
    if average is not None:
        model.load_state_dict(average.module.state_dict())
    if checkpoints:
        checkpoint.discard(checkpoints)
    return history


def _train_epoch(
    running: Running, samples: Samples, objective: Objective, recipe: Recipe, around: Around
) -> Tensor:
    """Take one pass over the samples; return the sum of their losses."""
    model, optimizer, generator = running.model, running.optimizer, running.generator
    total = torch.zeros((), device=samples.device)
    forward = autocast(recipe.precision, samples.device)
    for batch in samples.batches(recipe.batch_size, generator, shuffle=True, augmented=True):
        with around(batch):
            with forward:
                loss = objective.loss(model, batch, objective.draw(batch, generator))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if running.average is not None:
                running.average.update_parameters(model)
        if recipe.schedule_per == "step":
            running.schedule.step()
        total += loss.detach() * len(batch)
    if recipe.schedule_per == "epoch":
        running.schedule.step()
    return total


def _key(model: nn.Module, samples: Samples, objective: Objective, recipe: Recipe, seed: int) -> str:
    """Return what a checkpoint must share with this training: all that its result depends on, code included."""
    modules = {__name__, *(type(part).__module__ for part in (model, objective, samples))}
    facts = {
        "recipe": recipe.model_dump(mode="json"),
        "seed": seed,
        "samples": samples.index.tolist(),
        "labels": samples.y.tolist(),
        "shapes": [list(p.shape) for p in model.parameters()],
        "code": code_digest(tuple(sorted(m for m in modules if m.split(".")[0] == PACKAGE))),
        "torch": torch.__version__,
    }
    return full_digest(facts)
