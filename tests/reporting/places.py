"""Where the runs of a synthetic study lie: the folders that the plan would give them."""

from __future__ import annotations

from reunlearn.study import paths
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import (
    NOISE_FLOOR,
    ORIGINAL,
    RETRAIN,
    ArchitectureSpec,
    DatasetSpec,
    MethodSpec,
    ObjectiveSpec,
    RowSpec,
    TrainingSpec,
)

FLOOR_SEED = 1000


def training_of(experiment: Experiment, objective: str = "classification") -> TrainingSpec:
    """Return how the models of an experiment are trained."""
    return TrainingSpec(
        dataset=DatasetSpec(name=experiment.dataset.name, modality="images", train=experiment.dataset.train),
        architecture=ArchitectureSpec(
            name=experiment.architecture.name, settings=experiment.architecture.settings
        ),
        recipe=NamedRecipe(name=experiment.recipe.name, epochs=1, batch_size=1, learning_rate=1.0),
        objective=ObjectiveSpec(name=objective),
    )


def place(
    experiment: Experiment, training: TrainingSpec, row: RowSpec, seed: int
) -> tuple[str, str, MethodSpec | None]:
    """Return the folder of a run, that of its model, and its method."""
    name, seeds = experiment.name, Seeds(train=seed, split=seed, method=seed)
    if row == ORIGINAL:
        return paths.run(training, name, seeds, row), paths.original(training, seed), None
    if row in (RETRAIN, NOISE_FLOOR):
        second = FLOOR_SEED if row == NOISE_FLOOR else 0
        model = paths.retrained(training, name, seed, seed + second)
        return paths.run(training, name, seeds, row), model, None
    settings = {"bank_scope": {"paper": "all", "code": "last"}[row.reading]} if row.reading else {}
    method = MethodSpec(name=row.method, reading=row.reading, settings=settings)
    folder = paths.run(training, name, seeds, row, method)
    return folder, folder, method
