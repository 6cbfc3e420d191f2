"""Choose the settings of a row among its trials: the one whose score is lowest."""

from __future__ import annotations

from pathlib import Path

from reunlearn.artifacts.choice import PROBED, Choice, Trial
from reunlearn.base.files import read_json
from reunlearn.metrics.criterion import distances, mean_of, score
from reunlearn.stages.execution import Context
from reunlearn.study.jobs import ChooseJob


def run(context: Context[ChooseJob]) -> None:
    """Write choice.json."""
    job, search = context.job, context.job.method.search
    assert search
    originals = [read_json(Path(folder) / PROBED) for folder in job.inputs.originals]
    probes = [read_json(Path(folder) / PROBED) for folder in job.inputs.trials]
    trials = []
    for number, values in enumerate(search.candidates):
        models = probes[number * len(originals) : (number + 1) * len(originals)]
        mean = mean_of(
            [distances(model, original) for model, original in zip(models, originals, strict=True)]
        )
        diverged = sum(not model for model in models)
        trials.append(Trial(settings=values, distances=mean, score=score(mean), diverged=diverged))
    Choice(trials=tuple(trials)).write(context.folder)
