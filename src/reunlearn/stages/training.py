"""Train one model and write it: shared by the stages original, retrained and shadow."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from reunlearn.records.files import write_text
from reunlearn.stages.execution import Job
from reunlearn.stages.loading import Loader
from reunlearn.study import paths
from reunlearn.training.checkpoint import save_model
from reunlearn.training.loop import train
from reunlearn.training.precision import in_use


def open_loader(job: Job) -> Loader:
    """Return the loader of a job's training specification."""
    taught = job.input("taught") if "taught" in job["inputs"] else None
    return Loader(job["training"], job.device, taught, job.specification.get("result"))


def train_one(
    job: Job, loader: Loader, index: np.ndarray | None, seed: int, name: str = ""
) -> tuple[nn.Module, list]:
    """Return a trained model and its history; the seed gives initial weights and batch order.

    With `index` given the model is a retrained one, which some papers train for another number of epochs.
    """
    recipe = job["training"]["recipe"]
    if index is not None and recipe["retrain_epochs"]:
        recipe = recipe | {"epochs": recipe["retrain_epochs"]}
    samples = loader.training_samples(index)
    model = loader.fresh_model(seed)
    checkpoints = paths.checkpoint(job.final_folder) / name
    objective = loader.objective(recipe["label_smoothing"])
    job.facts["precision"] = in_use(recipe["precision"], job.device)
    with job.stopwatch.section("run"):
        history = train(model, samples, objective, recipe, seed, checkpoints, progress)
    return model, history


def train_and_write(job: Job, index: np.ndarray | None, loader: Loader) -> None:
    """Train on some samples and write model.safetensors and history.jsonl."""
    model, history = train_one(job, loader, index, job["seed"])
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
