"""What several stages read: the sets of a run, its network, its objective."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.base.arrays import read_arrays
from reunlearn.data.batches import Samples
from reunlearn.data.latents import LatentSamples
from reunlearn.data.partition import Parts, parts_of
from reunlearn.data.prepared import Prepared, read
from reunlearn.models.registry import build, coder
from reunlearn.objectives.registry import Objective, make
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.specs import ArchitectureSpec, TrainingSpec
from reunlearn.training.tensor_files import load_model

SETS = ("forget", "retain", "validation", "earlier")


class Loader:
    """The data of one training specification, on one device.

    Args:
        training: the specification.
        device: where models and batches live.
        taught: folder of the split that says which samples were taught a wrong label; None gives the true labels.
        result: the network that a method returns, where it is not the original's.
        prepared: the data; what the stage prepare left of the dataset if absent.
    """

    def __init__(
        self,
        training: TrainingSpec,
        device: str,
        taught: str | None = None,
        result: ArchitectureSpec | None = None,
        prepared: Prepared | None = None,
    ) -> None:
        self.training, self.device, self.recipe = training, device, training.recipe
        self.result = result or training.architecture.without_pretrained()
        self.modality = importlib.import_module(f"reunlearn.data.modalities.{training.dataset.modality}")
        self.prepared: Prepared = prepared or read(Path(paths.data(training.dataset)))
        self.true_labels = np.array(self.prepared.arrays.train_y)  # a copy: mapped files are read-only
        self.coder = coder(training.architecture, device)
        self.labels = self.true_labels
        if taught is not None:
            wrong = read_split(taught)
            self.labels = self.true_labels.copy()
            self.labels[wrong["taught_index"]] = wrong["taught_label"]

    @functools.cached_property
    def parts(self) -> Parts:
        """The samples of the official sets that are used."""
        return parts_of(self.training.dataset, self.true_labels, np.asarray(self.prepared.arrays.test_y))

    @functools.cached_property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input of the network: a resized image, or its latents where the network reads these."""
        shape, side = self.prepared.shape, self.recipe.resize
        if side:
            shape = (shape[0], side, side)
        if self.coder:
            shape = tuple(self.coder.encode(torch.zeros((1, *shape), device=self.device)).shape[1:])
        return shape

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.prepared.classes)

    def training_samples(self, index: np.ndarray | None = None) -> Samples:
        """Return the samples of the official training set with these numbers; the study's training set if None."""
        chosen = self.parts.train if index is None else index
        return self._samples(self.prepared.arrays.train_x, self.labels[chosen], chosen)

    def test_samples(self, index: np.ndarray | None = None) -> Samples:
        """Return the samples of the official test set with these numbers; the study's test set if None."""
        chosen = self.parts.test if index is None else index
        arrays = self.prepared.arrays
        return self._samples(arrays.test_x, np.asarray(arrays.test_y)[chosen], chosen)

    def sets(self, split: str) -> dict[str, Samples]:
        """Return forget, retain and, where there are such, validation and earlier, as a split folder says."""
        indices = read_split(split)
        of_test = {"validation"} if self.parts.validates_with_test else set()
        return {
            name: (self.test_samples if name in of_test else self.training_samples)(indices[name])
            for name in SETS
            if len(indices[name])
        }

    def samples_of(self, x: np.ndarray, y: np.ndarray) -> Samples:
        """Return images [N, C, H, W], uint8, that are of no official set."""
        return self._samples(x, y, np.arange(len(y)))

    def _samples(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Samples:
        samples: Samples = self.modality.samples(self.prepared, self.recipe, (x, y, rows), self.device)
        return LatentSamples(samples, self.coder.encode) if self.coder else samples

    def fresh_model(self, seed: int) -> nn.Module:
        """Return a network as it is before training, on the device: freshly initialised, or with pretrained weights."""
        return self._build(self.training.architecture, seed)

    def random_model(self, seed: int) -> nn.Module:
        """Return a network that knows nothing: freshly initialised, also where training starts from other weights."""
        return self._build(self.training.architecture.without_pretrained(), seed)

    def result_model(self, seed: int) -> nn.Module:
        """Return a freshly initialised network of the architecture that the method returns."""
        return self._build(self.result, seed)

    def model(self, folder: str) -> nn.Module:
        """Return the network with the weights of a run folder."""
        return load_model(self.random_model(0), Path(folder) / "model.safetensors")

    def _build(self, network: ArchitectureSpec, seed: int) -> nn.Module:
        names = self.prepared.classes
        model = build(network, self.input_shape, self.classes, seed, class_names=names).to(self.device)
        # weights laid out as the batches are; torch's type stubs do not know this argument of Module.to
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def objective(self) -> Objective:
        """Return the objective of the task."""
        return self._objective(0.0, 0.0)

    def training_objective(self) -> Objective:
        """Return the objective that models are trained for: with what the recipe adds to the loss."""
        return self._objective(self.recipe.label_smoothing, self.recipe.logit_std)

    def _objective(self, label_smoothing: float, logit_std: float) -> Objective:
        objective = self.training.objective
        return make(objective.name, self.classes, label_smoothing, logit_std, **objective.settings)


def read_split(folder: str) -> dict[str, np.ndarray]:
    """Return what the stage split wrote."""
    return read_arrays(Path(folder) / "indices.npz")


def open_loader(context: Context[Any]) -> Loader:
    """Return the loader of a job's training specification; `result`: of jobs of methods with a network of their own."""
    job = context.job
    return Loader(job.training, context.device, job.inputs.taught, getattr(job, "result", None))
