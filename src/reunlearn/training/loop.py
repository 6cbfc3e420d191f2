"""Train models by a recipe: the same bits for the same specification, resumed or not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypedDict, Unpack

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reunlearn.artifacts.digest import PACKAGE, code_digest
from reunlearn.base.hashing import full_digest
from reunlearn.base.interval import checkpoint_seconds
from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective, draws_nothing
from reunlearn.study.recipes import Recipe
from reunlearn.training.engines.choose import choose
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.engine import Engine
from reunlearn.training.randomness import seeded
from reunlearn.training.running import History, Running, resume, save
from reunlearn.training.schedules import make_schedule

Around = Callable[[Batch], AbstractContextManager[None]]  # entered before a batch's step, left after it


class Options(TypedDict, total=False):
    """What train_together may be told besides."""

    engine: type[Engine]
    checkpoints: Path | None
    progress: Callable[[dict[str, Any], int], None]
    seconds_between: float | None
    around: Around
    resumed: Callable[[float], None]


def train(
    model: nn.Module,
    samples: Samples,
    objective: Objective,
    recipe: Recipe,
    seed: int,
    **options: Unpack[Options],
) -> History:
    """Train one model in place, by the engine that is given or else chosen; see choose and train_together."""
    if "engine" not in options:
        options["engine"] = choose(model, samples, objective, recipe).engine
    return train_together([model], [samples], objective, recipe, [seed], **options)[0]


def train_together(
    models: Sequence[nn.Module],
    samples: Sequence[Samples],
    objective: Objective,
    recipe: Recipe,
    seeds: Sequence[int],
    *,
    engine: type[Engine] = Eager,
    checkpoints: Path | None = None,
    progress: Callable[[dict[str, Any], int], None] = lambda numbers, epochs: None,
    seconds_between: float | None = None,
    around: Around = lambda batch: nullcontext(),
    resumed: Callable[[float], None] = lambda seconds: None,
) -> list[History]:
    """Train M models in place, side by side.

    Args:
        models: on the samples' device.
        samples: the training set of each; may be the same object.
        objective: gives the loss.
        recipe: how to train; its resize, mean and the like are the samples' matter.
        seeds: of each model's batch order and augmentation; the first also of what layers draw (dropout).
        engine: how steps are computed.
        checkpoints: where resumable state is kept; None keeps none. The last one is left for whom the models are: he
            removes it (checkpoint.discard) when they are in their place.
        progress: called after each epoch with its numbers (of several models the mean loss) and the number of epochs.
        seconds_between: two checkpoints, at least; as many as the environment says if None.
        around: gives for each batch of the first model a context that its step is taken in: who watches a training sees
            the weights before and after. It must change nothing and draw nothing. A resumed training shows it the rest
            only.
        resumed: called when a training goes on, with the seconds that were spent before.

    Returns:
        The history of each model, one entry per epoch: epoch, loss, learning_rate (of its first batch). A model's
        training ends early, with the weights as they are then, when its loss stops being finite; the last entry then
        has a loss that is not.
    """
    running = _start(engine(models, samples, objective, recipe), samples, recipe, seeds)
    key = _key(running.engine, samples, recipe, seeds)
    histories, earlier = resume(checkpoints, key, running) if checkpoints else ([[] for _ in models], 0.0)
    if earlier:
        resumed(earlier)
    began = last_saved = time.monotonic()
    seconds = checkpoint_seconds() if seconds_between is None else seconds_between
    going = set(range(len(models)))
    for epoch in range(len(histories[0]), recipe.epochs):
        rate = running.schedule.get_last_lr()[0]
        with seeded(seeds[0], "epoch", epoch, device=samples[0].device):
            losses = _train_epoch(running, samples, recipe, around)
        for number in going:
            histories[number].append({"epoch": epoch + 1, "loss": losses[number], "learning_rate": rate})
        progress(
            {"epoch": epoch + 1, "loss": sum(losses) / len(losses), "learning_rate": rate}, recipe.epochs
        )
        ended = {number for number in going if not math.isfinite(losses[number])}
        for number in ended:
            running.engine.give_back(number)
        going -= ended
        if not going:
            break
        due = epoch + 1 < recipe.epochs and time.monotonic() - last_saved >= seconds
        if checkpoints and due and len(going) == len(models):  # a model that ended is no part of the state
            save(checkpoints, key, histories, running, earlier + time.monotonic() - began)
            last_saved = time.monotonic()
    if running.average is not None:
        running.engine.network.load_state_dict(running.average.module.state_dict())
    for number in going:
        running.engine.give_back(number)
    return histories


def _start(engine: Engine, samples: Sequence[Samples], recipe: Recipe, seeds: Sequence[int]) -> Running:
    """Return what changes during a training, as it is before its first epoch."""
    decay = get_ema_multi_avg_fn(recipe.average) if recipe.average else None
    average = AveragedModel(engine.network, multi_avg_fn=decay) if decay else None
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return Running(engine, make_schedule(recipe, engine.optimizer, len(samples[0])), generators, average)


def _train_epoch(running: Running, samples: Sequence[Samples], recipe: Recipe, around: Around) -> list[float]:
    """Take one pass over the samples of each model; return each model's mean loss."""
    engine, generators = running.engine, running.generators
    # draws that were copied batch by batch would have the processor wait for the GPU each time
    ahead = samples[0].device.type == "cuda" and draws_nothing(engine.objective)
    passes = [
        each.batches_ahead(recipe.batch_size, generator)
        if ahead
        else each.batches(recipe.batch_size, generator, shuffle=True, augmented=True)
        for each, generator in zip(samples, generators, strict=True)
    ]
    totals_M = torch.zeros(len(passes), device=samples[0].device)
    for batches in zip(*passes, strict=True):
        with around(batches[0]):
            draws = [engine.objective.draw(b, g) for b, g in zip(batches, generators, strict=True)]
            losses_M = engine.step(batches, draws)
            if running.average is not None:
                running.average.update_parameters(engine.network)
        if recipe.schedule_per == "step":
            running.schedule.step()
        totals_M += losses_M * len(batches[0])
    if recipe.schedule_per == "epoch":
        running.schedule.step()
    return [total / len(samples[0]) for total in totals_M.double().tolist()]


def _key(engine: Engine, samples: Sequence[Samples], recipe: Recipe, seeds: Sequence[int]) -> str:
    """Return what a checkpoint must share with this training: all that its result depends on, code included."""
    parts = (*engine.models, *samples, engine.objective, engine)
    modules = {__name__, *(type(part).__module__ for part in parts)}
    facts = {
        "recipe": recipe.model_dump(mode="json"),
        "seeds": list(seeds),
        "samples": [each.index.tolist() for each in samples],
        "labels": [each.y.tolist() for each in samples],
        "shapes": [list(p.shape) for p in engine.models[0].parameters()],
        "code": code_digest(tuple(sorted(m for m in modules if m.split(".")[0] == PACKAGE))),
        "torch": torch.__version__,
    }
    return full_digest(facts)
