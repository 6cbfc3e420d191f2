"""What some methods need to know of training, computed once per original model."""

from __future__ import annotations

import importlib

from reunlearn.stages.execution import Job
from reunlearn.stages.training import open_loader
from reunlearn.training.randomness import seeded


def run(job: Job) -> None:
    """Let training/state/<kind>.py write its artifact."""
    loader = open_loader(job)
    kind = importlib.import_module(f"reunlearn.training.state.{job['kind']}")
    model = loader.model(job.input("original"))
    with job.stopwatch.section("run"), seeded(job["seed"], "state", job["kind"], device=job.device):
        kind.write(job.folder, model, loader.training_samples(), loader.objective(), job["seed"])
