"""Relearn time: epochs of training on forget and retain until the forget accuracy is back at the original's.

With the original's recipe, its rate held constant and its batches, on the run's final model. Few epochs tell that what
was forgotten was hidden rather than gone; Retrain's own time is what a model needs that never knew it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reunlearn.base.arrays import read_arrays
from reunlearn.base.files import read_json, write_json
from reunlearn.metrics.classification import accuracy
from reunlearn.stages.execution import Job
from reunlearn.stages.logits import logits
from reunlearn.stages.training import open_loader, write_history
from reunlearn.training.loop import train


class _BackError(Exception):
    """Ends the training: the accuracy is back."""


def run(job: Job) -> None:
    """Write relearning.json (epochs, and whether the accuracy came back by then) and history.jsonl."""
    loader = open_loader(job)
    model = loader.model(job.input("model"))
    indices = read_arrays(job.input("split") / "indices.npz")
    forget = loader.training_samples(indices["forget"])
    both = loader.training_samples(np.sort(np.concatenate([indices["forget"], indices["retain"]])))
    target = read_json(job.input("target") / "metrics.json")["accuracy_forget"]
    history: list[dict[str, Any]] = []

    def look(epoch: int) -> None:
        found = accuracy(logits(model, forget, loader.objective()), forget.y.cpu().numpy())
        model.train()  # looking froze BatchNorm and dropout
        history.append({"epoch": epoch, "accuracy_forget": found})
        if found >= target:
            raise _BackError

    recipe = job["training"]["recipe"]
    with job.stopwatch.section("run"):
        try:
            look(0)
            constant = {"schedule": "constant", "warmup_epochs": 0, "milestones": [], "epochs": job["cap"]}
            objective = loader.objective(recipe["label_smoothing"])
            train(
                model, both, objective, recipe | constant, job["seed"], progress=lambda n, _: look(n["epoch"])
            )
        except _BackError:
            pass
    reached = history[-1]["accuracy_forget"] >= target
    epochs = history[-1]["epoch"] if reached else job["cap"]
    write_json(job.folder / "relearning.json", {"relearn_epochs": epochs, "relearn_reached": float(reached)})
    write_history(job.folder / "history.jsonl", history)
