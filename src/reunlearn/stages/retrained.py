"""Train a retrained model, on the retain set only: the gold standard."""

from __future__ import annotations

from reunlearn.stages.execution import Context
from reunlearn.stages.loading import open_loader, read_split
from reunlearn.stages.training import train_and_write
from reunlearn.study.jobs import TrainJob


def run(context: Context[TrainJob]) -> None:
    """Write the model and its history."""
    assert context.job.inputs.split
    retain = read_split(context.job.inputs.split)["retain"]
    train_and_write(context, retain, open_loader(context))
