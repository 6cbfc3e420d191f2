"""Train models as a job's specification says: shared by the stages original, retrained and shadow."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader
from reunlearn.stages.model_files import History, status, write_history
from reunlearn.study import paths
from reunlearn.study.jobs import TrainJob
from reunlearn.study.recipes import Recipe
from reunlearn.training.engines.choose import choose
from reunlearn.training.loop import train
from reunlearn.training.precision import in_use
from reunlearn.training.tensor_files import save_model


def train_one(
    context: Context[Any], loader: Loader, samples: Samples, seed: int, *, recipe: Recipe
) -> tuple[nn.Module, History]:
    """Return a trained model and its history; the seed gives initial weights and batch order.

    Args:
        context: of the job; its record gets the precision, the engine and the seconds.
        loader: gives network and objective.
        samples: the training set.
        seed: of initial weights and batch order.
        recipe: see recipe_of.
    """
    model = loader.fresh_model(seed)
    objective = loader.training_objective()
    choice = choose(model, samples, objective, recipe)
    context.facts |= {"precision": in_use(recipe.precision, context.device), **choice.facts}
    with context.stopwatch.section("run"):
        history = train(
            model,
            samples,
            objective,
            recipe,
            seed,
            engine=choice.engine,
            checkpoints=paths.checkpoint(context.job.folder),
            progress=progress,
            resumed=context.resumed,
        )
    return model, history


def recipe_of(recipe: Recipe, retrained: bool) -> Recipe:
    """Return the recipe of a job's models; some papers train retrained ones for another number of epochs."""
    if retrained and recipe.retrain_epochs:
        return recipe.model_copy(update={"epochs": recipe.retrain_epochs})
    return recipe


def train_and_write(context: Context[TrainJob], index: np.ndarray | None, loader: Loader) -> None:
    """Train on the samples with these official numbers, all if None; write model.safetensors and history.jsonl."""
    samples, recipe = loader.training_samples(index), recipe_of(loader.recipe, index is not None)
    model, history = train_one(context, loader, samples, context.job.seed, recipe=recipe)
    save_model(model, context.folder / "model.safetensors")
    write_history(context.folder / "history.jsonl", history)
    context.facts["status"] = status(model, history)


def progress(numbers: dict[str, Any], epochs: int) -> None:
    """Show where a training is: one line redrawn on a terminal, a line per tenth in a log."""
    done = numbers["epoch"]
    text = f"epoch {done}/{epochs}  loss {numbers['loss']:.4f}  learning rate {numbers['learning_rate']:.3g}"
    if sys.stderr.isatty():
        bar = "█" * (30 * done // epochs)
        print(f"\r{bar:<30} {text}", end="\n" if done == epochs else "", file=sys.stderr, flush=True)
    elif done == epochs or done % max(1, epochs // 10) == 0:
        print(text, file=sys.stderr, flush=True)
