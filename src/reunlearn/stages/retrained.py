"""Train a retrained model, on the retain set only: the gold standard."""

from __future__ import annotations

from reunlearn.base.arrays import read_arrays
from reunlearn.stages.execution import Job
from reunlearn.stages.training import open_loader, train_and_write


def run(job: Job) -> None:
    """Write the model and its history."""
    retain = read_arrays(job.input("split") / "indices.npz")["retain"]
    train_and_write(job, retain, open_loader(job))
