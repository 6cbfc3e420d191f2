"""What a job computes, in samples: what its cost is made from. Counts that only the data can tell are estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.study.cards import DatasetCard, Value
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import (
    DrawJob,
    Job,
    MeasureJob,
    SampleJob,
    ShadowJob,
    SplitJob,
    StateJob,
    TrainJob,
    UnlearnJob,
)
from reunlearn.study.scenario import Scenario
from reunlearn.study.specs import MethodSpec, RowSpec, SamplingSpec, TrainingSpec

UNKNOWN_SHARE = 0.1  # that is forgotten, where neither the scenario nor its classes tell


@dataclass(frozen=True)
class Work:
    """What a job computes.

    Attributes:
        key: what kind of work: the stage, and of methods, states and measures their name.
        training: of its network and data.
        sets: samples of what is forgotten, of what stays, and of validation and test.
        rounds: passes that its settings name.
        batch: samples of a step.
        models: that it trains.
        network: whether it computes with the network itself, and not with what it answered before.
    """

    key: str
    training: TrainingSpec
    sets: tuple[int, int, int]
    rounds: float
    batch: int
    models: int = 1
    network: bool = True


def work_of(job: Job, jobs: Mapping[Folder, Job], cards: Mapping[str, DatasetCard]) -> Work | None:
    """Return what a job computes; None for those that compute with no network: they take a second.

    Args:
        job: of a plan.
        jobs: of that plan, by folder: a job's split is another one.
        cards: of the datasets.
    """
    training = training_of(job, jobs)
    if training is None:
        return None
    forget, retain, held = _sets(training, scenario_of(job, jobs), cards)
    batch = training.recipe.batch_size
    epochs = float(training.recipe.epochs)
    if isinstance(job, TrainJob):
        return Work("train", training, (0, retain, held), epochs, batch)
    if isinstance(job, ShadowJob):
        learned = (forget + retain) // 2 if job.kind == "halves" else retain
        return Work("train", training, (0, learned, held), epochs, batch, job.count)
    if isinstance(job, StateJob):
        return Work(f"state {job.kind}", training, (forget, retain, held), epochs, batch)
    if isinstance(job, UnlearnJob):
        settings = job.method.settings
        own = settings.get("batch_size")
        size = min(int(own), forget + retain) if isinstance(own, int) and own else batch
        rounds = rounds_of(settings, size, forget + retain) or epochs  # 0 epochs: as many as the training had
        return Work(key_of(job.method), training, (forget, retain, held), rounds, size)
    if isinstance(job, SampleJob):
        drawn = job.sampling.count(cards[training.dataset.name].classes)
        return Work("sample", training, (0, drawn, 0), passes_of(job.sampling), batch)
    if isinstance(job, DrawJob):
        return Work("sample", training, (0, job.sampling.count(0), 0), passes_of(job.sampling), batch)
    if isinstance(job, MeasureJob):
        rounds = float(job.measure.settings.get("cap") or 1)
        name, reads = f"measure {job.measure.name}", job.training is not None
        return Work(name, training, (forget, retain, held), rounds, batch, network=reads)
    return None


def passes_of(sampling: SamplingSpec) -> float:
    """Return the forward passes of a sample: one per step, two where it is guided."""
    guided = sampling.guidance or (sampling.prompts and sampling.prompts.guidance)
    return sampling.steps * (2.0 if guided else 1.0)


def key_of(method: MethodSpec) -> str:
    """Return the kind of work of a method in a reading."""
    return f"unlearn {RowSpec(method=method.name, reading=method.reading).name}"


def rounds_of(settings: Mapping[str, Value], batch: int, samples: int) -> float:
    """Return the passes over the data that a method's settings name; one where they name none.

    Epochs; else passes of each step; else steps of one batch each.
    """
    if isinstance(epochs := settings.get("epochs"), int | float):
        return float(epochs)
    steps = settings.get("steps")
    if not isinstance(steps, int | float):
        return 1.0
    if isinstance(passes := settings.get("passes"), int | float):
        return float(steps * passes)
    return steps * batch / max(samples, 1) if "batch_size" in settings else float(steps)


def training_of(job: Job, jobs: Mapping[Folder, Job]) -> TrainingSpec | None:
    """Return the training of a job's model; of a measurement that reads arrays, that of the model they come from."""
    own: TrainingSpec | None = getattr(job, "training", None)
    if own is not None or not isinstance(job, MeasureJob):
        return own
    source = job.inputs.outputs or job.inputs.model
    return training_of(jobs[source], jobs) if source in jobs and source is not None else None


def scenario_of(job: Job, jobs: Mapping[Folder, Job]) -> Scenario | None:
    """Return what is forgotten of a job's data; None of a model that learns all."""
    own: Scenario | None = getattr(job, "scenario", None)
    if own is not None:
        return own
    split = getattr(job.inputs, "split", None)
    if isinstance(job, MeasureJob) and split is None:
        source = job.inputs.outputs or job.inputs.model
        return scenario_of(jobs[source], jobs) if source in jobs and source is not None else None
    planned = jobs.get(split) if split else None
    return planned.scenario if isinstance(planned, SplitJob) else None


def _sets(
    training: TrainingSpec, scenario: Scenario | None, cards: Mapping[str, DatasetCard]
) -> tuple[int, int, int]:
    """Return the samples of forget, retain, and of validation and test together."""
    card, data = cards[training.dataset.name], training.dataset
    off_train, off_test = (
        data.validation if data.validation_from == name else 0 for name in ("train", "test")
    )
    train = data.train or max(card.train - off_train, 0)
    held = data.validation + (data.test or card.test - off_test)
    if scenario is None:
        return 0, train, held
    parts = scenario.parts(card, train)
    if not parts:
        classes = len(getattr(scenario, "classes", None) or ())
        share = classes / card.classes if classes and card.classes else UNKNOWN_SHARE
        parts = (round(share * train / scenario.steps),) * scenario.steps
    step = scenario.step or 1
    return parts[step - 1], train - sum(parts[:step]), held
