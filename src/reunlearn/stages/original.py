"""Train the original model, on the whole training set."""

from __future__ import annotations

from reunlearn.stages.execution import Job
from reunlearn.stages.training import open_loader, train_and_write


def run(job: Job) -> None:
    """Write the model and its history."""
    train_and_write(job, None, open_loader(job))
