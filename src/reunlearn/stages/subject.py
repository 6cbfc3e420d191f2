"""Open the model that is measured, with its data: only for measures that read the network itself."""

from __future__ import annotations

from reunlearn.measures.registry import Network
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, read_split
from reunlearn.study.jobs import MeasureJob


def open_network(context: Context[MeasureJob]) -> Network:
    """Return the run's model and its sets."""
    job = context.job
    assert job.training and job.inputs.split and job.inputs.model
    loader = Loader(
        job.training, context.device
    )  # true labels, also where the original was taught wrong ones
    return Network(
        model=loader.model(job.inputs.model),
        sets={**loader.sets(job.inputs.split), "test": loader.test_samples()},
        objective=loader.objective(),
        training_objective=loader.objective(job.training.recipe.label_smoothing),
        recipe=job.training.recipe,
        split=read_split(job.inputs.split),
        samples=loader.training_samples,
        random_model=loader.random_model,
    )
