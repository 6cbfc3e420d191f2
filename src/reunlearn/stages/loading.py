"""What several stages read: the sets of a run, its network, its objective."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.data.partition import partition
from reunlearn.data.prepared import Prepared, read
from reunlearn.models.registry import build
from reunlearn.objectives.base import Objective
from reunlearn.records.files import read_arrays
from reunlearn.training.checkpoint import load_model


class Loader:
    """The data of one training specification, on one device."""

    def __init__(self, training: dict[str, Any], data_root: Path, device: str) -> None:
        self.training, self.device = training, device
        dataset = training["dataset"]
        self.prepared: Prepared = read(data_root / dataset["name"])
        labels_N = np.asarray(self.prepared.arrays.train_y)
        self.train_index, self.validation_index = partition(labels_N, dataset["train"], dataset["validation"])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.prepared.classes)

    def training_samples(self, index: np.ndarray | None = None) -> Samples:
        """Return the samples of the official training set with these numbers; the study's training set if None."""
        chosen = self.train_index if index is None else index
        arrays = self.prepared.arrays
        return self._samples(arrays.train_x[chosen], arrays.train_y[chosen], chosen)

    def test_samples(self) -> Samples:
        """Return the official test set, whole."""
        arrays = self.prepared.arrays
        return self._samples(arrays.test_x, arrays.test_y, np.arange(len(arrays.test_y)))

    def sets(self, split: Path) -> dict[str, Samples]:
        """Return forget, retain and, if there is one, validation, as a split folder says."""
        indices = read_arrays(split / "indices.npz")
        names = [n for n in ("forget", "retain", "validation") if len(indices[n])]
        return {name: self.training_samples(indices[name]) for name in names}

    def _samples(self, x: np.ndarray, y: np.ndarray, index: np.ndarray) -> Samples:
        augmentation = tuple(self.training["recipe"]["augmentation"])
        return Samples(x, y, index, self.prepared.mean, self.prepared.std, augmentation, self.device)

    def fresh_model(self, seed: int) -> nn.Module:
        """Return a freshly initialised network on the device."""
        shape = self.prepared.arrays.train_x.shape[1:]
        model = build(self.training["architecture"], shape, self.classes, seed)
        # weights laid out as the batches are; torch's type stubs do not know this argument of Module.to
        return model.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def model(self, folder: Path) -> nn.Module:
        """Return the network with the weights of a run folder."""
        return load_model(self.fresh_model(0), folder / "model.safetensors")

    def objective(self) -> Objective:
        """Return the objective of the task."""
        return importlib.import_module(f"reunlearn.objectives.{self.training['objective']}").make(
            self.classes
        )
