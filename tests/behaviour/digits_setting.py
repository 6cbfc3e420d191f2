"""One seed of one experiment on digits in one process: split, original, retrained, and unlearned models.

For tests that run many methods on the same models; the pipeline does the same in separate jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import nn

from reunlearn.base.arrays import write_arrays
from reunlearn.data.prepared import write
from reunlearn.data.scenarios.registry import STAYS, TrainingSet, select
from reunlearn.data.sets.digits import CARD, load
from reunlearn.data.sets.registry import Source
from reunlearn.stages.loading import Loader
from reunlearn.stages.method_run import kinds_of, original_of, task_of
from reunlearn.study import paths
from reunlearn.study.cards import Value
from reunlearn.study.catalogue import catalogue
from reunlearn.study.expand import Expansion
from reunlearn.study.methods import check_settings, fill
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import DatasetSpec, MethodSpec, RowSpec
from reunlearn.training.loop import train
from reunlearn.training.state.registry import StateRequest
from reunlearn.training.state.registry import card as state_card
from reunlearn.training.state.registry import write as write_state
from reunlearn.unlearning.registry import card, make


def prepare() -> None:
    """Write the prepared digits where the project keeps them, unless they are there."""
    data = Path(paths.data(DatasetSpec(name="digits", modality="images")))
    if not data.exists():
        write(data, CARD, load(Source(data)))


class Setting:
    """One seed of one experiment: original model and sets.

    Args:
        experiment: of a study, in one step.
        seed: of training, split and method.
        folder: where the split and training-time state are written.
    """

    def __init__(self, experiment: Experiment, seed: int, folder: Path) -> None:
        self.seed, self.scenario = seed, experiment.scenario
        self.folder = folder / f"{experiment.name}-{seed}"
        self.folder.mkdir(parents=True)
        where = f"experiment '{experiment.name}'"
        self.expansion = Expansion(lambda job: job.folder, experiment, catalogue(), where)
        self.training = self.expansion.training
        self.indices = self.split()
        self.loader = self.loader_of(None)
        self.objective = self.loader.objective()
        self.original = self.loader.fresh_model(seed)
        train(self.original, self.loader.training_samples(), self.objective, self.loader.recipe, seed)
        self.sets = self.loader.sets(str(self.folder))

    def split(self) -> dict[str, np.ndarray]:
        """Write what the stage split would; return the numbers of the samples of each set."""
        loader = Loader(self.training, "cpu")
        labels_N, train_index = loader.true_labels, loader.parts.train
        samples = TrainingSet(labels_N[train_index], None, train_index, loader.parts.held_out)
        selection = select(self.scenario, samples, self.seed)
        gone = selection.part != STAYS
        wrong = selection.labels != labels_N[train_index]
        indices = {
            "forget": train_index[gone],
            "retain": train_index[~gone],
            "earlier": train_index[:0],
            "validation": loader.parts.validation,
        }
        taught = {"taught_index": train_index[wrong], "taught_label": selection.labels[wrong]}
        write_arrays(self.folder / "indices.npz", indices | taught)
        return indices

    def loader_of(self, method: str | None) -> Loader:
        """Return the loader, with wrong labels where the scenario teaches some, and the method's own network."""
        result = self.expansion.result(method) if method else None
        return Loader(self.training, "cpu", taught=str(self.folder), result=result)

    def state(self, kind: str, loader: Loader) -> Path:
        """Return the folder of some training-time state, filled when it is first asked for."""
        folder = self.folder / kind
        if not folder.exists():
            folder.mkdir()
            per_split = state_card(kind).per_split
            request = StateRequest(
                folder,
                self.copy(),
                loader.training_samples(),
                self.objective,
                loader.recipe,
                self.seed,
                start=loader.fresh_model,
                result=loader.result_model,
                forget=self.indices["forget"] if per_split else None,
                earlier=self.indices["earlier"] if per_split else None,
            )
            write_state(kind, request)
        return folder

    def copy(self) -> nn.Module:
        """Return a copy of the original."""
        model = self.loader.fresh_model(0)
        model.load_state_dict(self.original.state_dict())
        return model

    def retrained(self) -> nn.Module:
        """Return a model trained without the forget set."""
        model = self.loader.fresh_model(self.seed)
        train(model, self.sets["retain"], self.objective, self.loader.recipe, self.seed)
        return model

    def unlearned(self, row: RowSpec, settings: Mapping[str, Value]) -> nn.Module:
        """Return the model that a row makes of the original; hyper-parameters not in `settings` are its defaults."""
        method_card = card(row.method)
        checked = check_settings(settings, method_card, f"method '{row.name}'")
        filled = fill(method_card, row.reading, checked)
        method = MethodSpec(name=row.method, reading=row.reading, settings=filled)
        loader = self.loader_of(row.method)
        task = task_of(
            original_of(loader, str(self.folder)),
            method,
            self.scenario,
            self.seed,
            state={kind: self.state(kind, loader) for kind in kinds_of(method)},
            carried={},
        )
        return make(method).unlearn(self.copy(), task)
