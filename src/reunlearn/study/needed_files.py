"""Files that a study needs and that nobody can fetch for its user: official weights, data behind a licence.

A plan can be made without them, it cannot be run. What is made already needs them no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reunlearn.base.weights_cache import cached
from reunlearn.study import paths
from reunlearn.study.cards import Catalogue
from reunlearn.study.jobs import Job, MeasureJob, ShadowJob, TrainJob
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import TrainingSpec

DIGITS_PIPELINE = "models/digits-pipeline"
MADE_BY = {DIGITS_PIPELINE: "make digits-pipeline"}  # folders that a command makes


def missing_files(
    experiment: Experiment, cards: Catalogue, training: TrainingSpec, jobs: Iterable[Job]
) -> list[str]:
    """Return a line for each file that is not there and that a job of the experiment would read.

    Args:
        experiment: names the folder, the files and the weights.
        cards: of all plugins.
        training: its specification.
        jobs: of the plan.
    """
    lines, network, jobs = [], cards.models[experiment.architecture.key], list(jobs)
    folder, dataset = experiment.dataset.folder, training.dataset
    if folder and not Path(folder).expanduser().is_dir() and not _is_made(paths.prepared(dataset)):
        lines.append(f"folder '{folder}' is not there; {dataset.name} needs your copy of its files in it")
    settings = training.architecture.settings
    absent_folders = [
        str(settings[name])
        for name in network.folders
        if settings.get(name) and not Path(str(settings[name])).expanduser().is_dir()
    ]
    if absent_folders and _is_wanted(training, jobs):
        lines += [_absent(place, network.name) for place in absent_folders]
    lines += [
        f"file '{file}' is not there; {words}"
        for file, words in _own_files(experiment, cards, jobs)
        if not Path(file).expanduser().is_file()
    ]
    weights = network.pretrained
    if weights and training.architecture.settings.get("pretrained") == "cache":
        absent = [
            file for file in (cached(f, weights.repository) for f in weights.files) if not file.is_file()
        ]
        if absent and _is_wanted(training, jobs):
            lines.append(f"{absent[0]} is not there, and 'pretrained: cache' reads it; {weights.words}")
    return lines


def _is_to_be_measured(measure: str, jobs: Iterable[Job]) -> bool:
    return any(
        isinstance(job, MeasureJob) and job.measure.name == measure and not _is_made(job.folder)
        for job in jobs
    )


def _own_files(experiment: Experiment, cards: Catalogue, jobs: Iterable[Job]) -> list[tuple[str, str]]:
    """Return the user's own files that an experiment names, and in words what reads each and what it is to hold."""
    samplings = {"the dataset": experiment.dataset.drawn, "sampling": experiment.sampling}
    prompts = {reader: sampling.prompts for reader, sampling in samplings.items() if sampling}
    files = [
        (found.file, f"{reader} needs your prompts in it, below the name of the column, '{found.prompt}'")
        for reader, found in prompts.items()
        if found
    ]
    return files + [
        (str(entry.settings[setting]), f"the measure '{entry.name}' reads it: {file.words}")
        for entry in experiment.measures
        for setting, file in cards.measures[entry.name].files.items()
        if _is_to_be_measured(entry.name, jobs)
    ]


def _absent(place: str, network: str) -> str:
    if command := MADE_BY.get(Path(place).as_posix()):
        return f"folder '{place}' is not there; {network} needs it, and '{command}' makes it"
    return (
        f"folder '{place}' is not there; {network} needs a model in diffusers' layout in it, with weights as "
        ".safetensors"
    )


def _is_wanted(training: TrainingSpec, jobs: Iterable[Job]) -> bool:
    """Tell whether a model is still to be trained from the initial weights."""
    return any(
        isinstance(job, TrainJob | ShadowJob)
        and (job.training.architecture, job.training.dataset) == (training.architecture, training.dataset)
        and not _is_made(job.folder)
        for job in jobs
    )


def _is_made(folder: str) -> bool:
    return (Path(folder) / paths.MANIFEST).is_file()


def words(study: str, missing: dict[str, list[str]]) -> list[str]:
    """Return a line per missing file, and one that says how to leave these experiments out."""
    lines = [f"study '{study}', experiment '{name}': {line}" for name, of in missing.items() for line in of]
    left_out = ", ".join(f"{name}: " for name in missing)
    lines.append(
        f"put the files there, or leave out what needs them, in a study of yours that says 'extends: {study}' and "
        f"'experiments: {{{left_out}}}'"
    )
    return lines
