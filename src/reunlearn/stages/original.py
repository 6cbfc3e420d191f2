"""Train the original model, on the whole training set."""

from __future__ import annotations

from reunlearn.stages.execution import Context
from reunlearn.stages.loading import open_loader
from reunlearn.stages.training import train_and_write
from reunlearn.study.jobs import TrainJob


def run(context: Context[TrainJob]) -> None:
    """Write the model and its history."""
    train_and_write(context, None, open_loader(context))
