"""One seed of one experiment on digits in one process: split, original, retrained, and the task of an unlearning run.

For searches and tests that run many methods on the same models; the pipeline does the same in separate jobs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from reunlearn.base.arrays import write_arrays
from reunlearn.data.prepared import write
from reunlearn.data.scenarios import STAYS, TrainingSet, select
from reunlearn.data.sets.digits import CARD, load
from reunlearn.stages.loading import Loader
from reunlearn.study import paths
from reunlearn.study.load import load_recipe
from reunlearn.study.methods import as_read, holds, state_kinds
from reunlearn.training.loop import train
from reunlearn.training.state.registry import StateRequest
from reunlearn.training.state.registry import card as state_card
from reunlearn.training.state.registry import write as write_state
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.task import Task

SETS = ("forget", "retain", "validation", "true_labels")


def prepare() -> None:
    """Write the prepared digits where the project keeps them, unless they are there."""
    data = Path(paths.data({"name": "digits"}))
    if not data.exists():
        write(data, CARD, load(data))


class Setting:
    """One seed of one experiment: original model and sets."""

    def __init__(self, experiment: Any, seed: int, folder: Path) -> None:
        self.seed, self.scenario = seed, experiment.scenario.model_dump(exclude_none=True)
        self.folder = folder / f"{experiment.name}-{seed}"
        self.folder.mkdir(parents=True)
        self.training = {
            "dataset": experiment.dataset.model_dump(),
            "architecture": experiment.architecture.model_dump(),
            "recipe": load_recipe(experiment.recipe),
            "objective": "classification",
        }
        self.loader = self.split()
        self.objective = self.loader.objective()
        self.original = self.loader.fresh_model(seed)
        train(self.original, self.loader.training_samples(), self.objective, self.training["recipe"], seed)
        self.sets = {name: self.loader.training_samples(index) for name, index in self.indices.items()}

    def split(self) -> Loader:
        """Set the indices of the sets; return the loader, with wrong labels where the scenario teaches some."""
        loader = Loader(self.training, "cpu")
        labels, index = loader.true_labels, loader.train_index
        selection = select(TrainingSet(labels[index], None, index), self.scenario, self.seed)
        gone = selection.part != STAYS
        self.indices = {
            "forget": index[gone],
            "retain": index[~gone],
            "validation": loader.validation_index,
        }
        wrong = selection.labels != labels[index]
        taught = {"taught_index": index[wrong], "taught_label": selection.labels[wrong]}
        write_arrays(self.folder / "indices.npz", taught)
        return Loader(self.training, "cpu", taught=self.folder)

    def task(self, about: dict[str, Any], settings: dict[str, Any]) -> Task:
        """Return the task of one run."""
        loader = self.loader
        if about["network"]:
            inner = self.training["architecture"]
            result = {"name": about["network"], "settings": {"body": inner["name"], **inner["settings"]}}
            loader = Loader(self.training, "cpu", taught=self.folder, result=result)
        return Task(
            self.sets,
            {name for name in SETS if holds(about["needs"][name], settings)},
            self.objective,
            loader.classes,
            seed=self.seed,
            recipe=self.training["recipe"],
            state={kind: self.state(kind, loader) for kind in state_kinds(about, settings)},
            fresh=loader.random_model,
            true_labels=torch.from_numpy(loader.true_labels),
            result=loader.result_model,
            scenario=self.scenario,
        )

    def state(self, kind: str, loader: Loader) -> Path:
        """Return the folder of some training-time state, filled when it is first asked for."""
        folder = self.folder / kind
        if not folder.exists():
            folder.mkdir()
            per_split = state_card(kind)["per_split"]
            write_state(
                kind,
                StateRequest(
                    folder,
                    self.copy(),
                    loader.training_samples(),
                    self.objective,
                    self.training["recipe"],
                    self.seed,
                    start=loader.fresh_model,
                    result=loader.result_model,
                    forget=self.indices["forget"] if per_split else None,
                    earlier=np.array([], dtype=np.int64) if per_split else None,
                ),
            )
        return folder

    def copy(self) -> torch.nn.Module:
        """Return a copy of the original."""
        model = self.loader.fresh_model(0)
        model.load_state_dict(self.original.state_dict())
        return model

    def retrained(self) -> torch.nn.Module:
        """Return a model trained without the forget set."""
        model = self.loader.fresh_model(self.seed)
        train(model, self.sets["retain"], self.objective, self.training["recipe"], self.seed)
        return model

    def unlearned(self, row: str, settings: dict[str, Any]) -> torch.nn.Module:
        """Return the model that a row, such as salun@code, makes of the original; the rest are its defaults."""
        name, _, reading = row.partition("@")
        about = card(name)
        chosen = as_read(about, reading or None, settings)
        method = make(name, reading or None, chosen)
        return method.unlearn(self.copy(), self.task(about, chosen))
