"""Open the model that is measured, with its data: only for measures that read the network itself."""

from __future__ import annotations

import numpy as np

from reunlearn.measures.registry import Network
from reunlearn.metrics.outputs import LEFT_OUT
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, read_split
from reunlearn.study.jobs import MeasureJob


def open_network(context: Context[MeasureJob]) -> Network:
    """Return the run's model and its sets."""
    job = context.job
    assert job.training and job.inputs.split and job.inputs.model
    # true labels, also where the original was taught wrong ones
    loader = Loader(job.training, context.device)
    split = read_split(job.inputs.split)
    sets = {**loader.sets(job.inputs.split), "test": loader.test_samples(split["test"])}
    left_out = np.setdiff1d(split["test_forgotten"], split["test"])
    if len(left_out):
        sets[LEFT_OUT] = loader.test_samples(left_out)
    return Network(
        model=loader.model(job.inputs.model),
        sets=sets,
        objective=loader.objective(),
        training_objective=loader.training_objective(),
        recipe=job.training.recipe,
        split=split,
        samples=loader.training_samples,
        random_model=loader.random_model,
    )
