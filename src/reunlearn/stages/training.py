"""Train models as a job's specification says: shared by the stages original, retrained and shadow."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from reunlearn.base.files import write_text
from reunlearn.data.batches import Samples
from reunlearn.stages.execution import Job
from reunlearn.stages.loading import Loader
from reunlearn.study import paths
from reunlearn.training.checkpoint import save_model
from reunlearn.training.loop import train
from reunlearn.training.precision import in_use
from reunlearn.training.stacked import groups_of, train_stack


def open_loader(job: Job) -> Loader:
    """Return the loader of a job's training specification."""
    taught = job.input("taught") if "taught" in job["inputs"] else None
    return Loader(job["training"], job.device, taught, job.specification.get("result"))


def train_one(
    job: Job, loader: Loader, samples: Samples, seed: int, retrained: bool = False, name: str = ""
) -> tuple[nn.Module, list]:
    """Return a trained model and its history; the seed gives initial weights and batch order."""
    recipe = recipe_of(job, retrained)
    model = loader.fresh_model(seed)
    checkpoints = paths.checkpoint(job.final_folder) / name
    objective = loader.objective(recipe["label_smoothing"])
    job.facts["precision"] = in_use(recipe["precision"], job.device)
    with job.stopwatch.section("run"):
        history = train(model, samples, objective, recipe, seed, checkpoints, progress)
    return model, history


def recipe_of(job: Job, retrained: bool) -> dict[str, Any]:
    """Return the recipe of a job's models; some papers train retrained ones for another number of epochs."""
    recipe = job["training"]["recipe"]
    epochs = recipe["retrain_epochs"] if retrained else None
    return {**recipe, "epochs": epochs or recipe["epochs"]}


def train_many(
    job: Job, loader: Loader, samples: list[Samples], seeds: list[int], retrained: bool, alone: bool = False
) -> list[nn.Module]:
    """Return a trained model for each set of samples and seed: groups of small networks at once, others one by one.

    Args:
        job: says how they are trained; its record gets the widths of the groups, or why there are none.
        loader: gives the networks.
        samples: of each model.
        seeds: of each model.
        retrained: see recipe_of.
        alone: one by one in any case.
    """
    recipe = recipe_of(job, retrained)
    objective = loader.objective(recipe["label_smoothing"])
    models = [loader.fresh_model(seed) for seed in seeds]
    groups = "asked for" if alone else groups_of(models, samples, recipe)
    if isinstance(groups, str):
        job.facts["one_by_one"] = groups
        return [
            train_one(job, loader, each, seed, retrained, f"model{seed}")[0]
            for each, seed in zip(samples, seeds, strict=True)
        ]
    job.facts |= {"precision": in_use(recipe["precision"], job.device), "groups": [len(g) for g in groups]}
    for places in groups:
        mine, sets = [models[place] for place in places], [samples[place] for place in places]
        with job.stopwatch.section("run"):
            train_stack(mine, sets, objective, recipe, [seeds[place] for place in places], progress)
    return models


def train_and_write(job: Job, index: np.ndarray | None, loader: Loader) -> None:
    """Train on some samples and write model.safetensors and history.jsonl."""
    samples = loader.training_samples(index)
    model, history = train_one(job, loader, samples, job["seed"], retrained=index is not None)
    save_model(model, job.folder / "model.safetensors")
    write_history(job.folder / "history.jsonl", history)
    job.facts["status"] = status(model, history)


def status(model: nn.Module, history: list[dict[str, Any]]) -> str:
    """Return `diverged` when a weight or a logged number is not finite, else `finished`."""
    numbers = [v for entry in history[-1:] for v in entry.values() if isinstance(v, float)]
    weights = all(bool(t.isfinite().all()) for t in model.state_dict().values() if t.is_floating_point())
    return "finished" if weights and np.isfinite(numbers).all() else "diverged"


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    """Write one JSON object per line; a number that is not finite becomes null."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not np.isfinite(value) else value

    lines = [json.dumps({k: plain(v) for k, v in entry.items()}, sort_keys=True) for entry in history]
    write_text(path, "".join(line + "\n" for line in lines))


def progress(numbers: dict[str, Any], epochs: int) -> None:
    """Show where a training is: one line redrawn on a terminal, a line per tenth in a log."""
    done = numbers["epoch"]
    text = f"epoch {done}/{epochs}  loss {numbers['loss']:.4f}  learning rate {numbers['learning_rate']:.3g}"
    if sys.stderr.isatty():
        bar = "█" * (30 * done // epochs)
        print(f"\r{bar:<30} {text}", end="\n" if done == epochs else "", file=sys.stderr, flush=True)
    elif done == epochs or done % max(1, epochs // 10) == 0:
        print(text, file=sys.stderr, flush=True)
