"""Small specifications for tests of stages: what a plan would write, without a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reunlearn.study import paths
from reunlearn.study.inputs import MeasureInputs
from reunlearn.study.jobs import Job, MeasureJob
from reunlearn.study.plan import write_specifications
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.specs import ArchitectureSpec, DatasetSpec, MeasureSpec, ObjectiveSpec, TrainingSpec

DIGITS = DatasetSpec(name="digits", modality="images")


def recipe(**changes: Any) -> NamedRecipe:
    """Return a recipe of three epochs, with other values where wanted."""
    return NamedRecipe(**{"name": "short", "epochs": 3, "batch_size": 4, "learning_rate": 0.1, **changes})


def training(**changes: Any) -> TrainingSpec:
    """Return the training of a small network on digits; `changes`: of its recipe."""
    return TrainingSpec(
        dataset=DIGITS,
        architecture=ArchitectureSpec(name="small_cnn", settings={"width": 4}),
        recipe=recipe(**changes),
        objective=ObjectiveSpec(name="classification"),
    )


def measure_job(
    folder: str, name: str = "comparison", *, modules: tuple[str, ...] = (), **inputs: Any
) -> MeasureJob:
    """Return a measurement; `inputs`: the folders that it reads."""
    measure = MeasureSpec(name=name)
    return MeasureJob("measure", folder, measure, modules=modules, inputs=MeasureInputs(**inputs))


def written(job: Job) -> Path:
    """Write a job's specification; return its path."""
    write_specifications([job])
    return Path(job.folder) / paths.SPECIFICATION
