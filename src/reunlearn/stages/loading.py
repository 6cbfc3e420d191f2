"""What several stages read: the sets of a run, its network, its objective."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.base.arrays import read_arrays
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Samples
from reunlearn.data.images import ImageSamples, fits_in_memory
from reunlearn.data.partition import partition
from reunlearn.data.prepared import Prepared, read
from reunlearn.data.text import TextSamples
from reunlearn.models.registry import build
from reunlearn.objectives.registry import Objective
from reunlearn.study import paths
from reunlearn.training.checkpoint import load_model

SETS = ("forget", "retain", "validation", "earlier")


class Loader:
    """The data of one training specification, on one device.

    Args:
        training: the specification.
        device: where models and batches live.
        taught: folder of the split that says which samples were taught a wrong label; None gives the true labels.
        result: architecture of the networks that a method returns, where it is not the original's.
    """

    def __init__(
        self,
        training: dict[str, Any],
        device: str,
        taught: Path | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        self.training, self.device = training, device
        self.result = result or _without_pretrained(training["architecture"])
        dataset = training["dataset"]
        self.prepared: Prepared = read(Path(paths.data(dataset)))
        self.true_labels = np.array(self.prepared.arrays.train_y)  # a copy: mapped files are read-only
        self.train_index, self.validation_index = partition(
            self.true_labels, dataset["train"], dataset["validation"]
        )
        self.labels = self.true_labels
        if taught is not None:
            wrong = read_arrays(taught / "indices.npz")
            self.labels = self.true_labels.copy()
            self.labels[wrong["taught_index"]] = wrong["taught_label"]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.prepared.classes)

    def training_samples(self, index: np.ndarray | None = None) -> Samples:
        """Return the samples of the official training set with these numbers; the study's training set if None."""
        chosen = self.train_index if index is None else index
        return self._samples(self.prepared.arrays.train_x, self.labels[chosen], chosen)

    def test_samples(self) -> Samples:
        """Return the official test set, whole."""
        arrays = self.prepared.arrays
        return self._samples(arrays.test_x, arrays.test_y, np.arange(len(arrays.test_y)))

    def sets(self, split: Path) -> dict[str, Samples]:
        """Return forget, retain and, where there are such, validation and earlier, as a split folder says."""
        indices = read_arrays(split / "indices.npz")
        return {name: self.training_samples(indices[name]) for name in SETS if len(indices[name])}

    def _samples(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Samples:
        recipe = self.training["recipe"]
        if self.training["objective"] == "text":
            return TextSamples(x[rows], y, rows, recipe["group_by_length"], self.device)
        prepared = self.prepared
        return ImageSamples(
            x,
            y,
            rows,
            tuple(recipe["mean"] or prepared.mean),
            tuple(recipe["std"] or prepared.std),
            self._augmentation(),
            recipe["resize"],
            recipe["interpolation"],
            self.device,
            rows=rows,
            mapped=not fits_in_memory(x.nbytes),
        )

    def _augmentation(self) -> Augmentation:
        recipe = self.training["recipe"]
        keys = ("crop_padding", "rotation_degrees", "randaugment_operations", "randaugment_magnitude")
        return Augmentation(tuple(recipe["augmentation"]), **{key: recipe[key] for key in keys})

    def fresh_model(self, seed: int) -> nn.Module:
        """Return a network as it is before training, on the device: freshly initialised, or with pretrained weights."""
        return self._build(self.training["architecture"], seed)

    def random_model(self, seed: int) -> nn.Module:
        """Return a network that knows nothing: freshly initialised, also where training starts from other weights."""
        return self._build(_without_pretrained(self.training["architecture"]), seed)

    def result_model(self, seed: int) -> nn.Module:
        """Return a freshly initialised network of the architecture that the method returns."""
        return self._build(self.result, seed)

    def model(self, folder: Path) -> nn.Module:
        """Return the network with the weights of a run folder."""
        return load_model(self.random_model(0), folder / "model.safetensors")

    def _build(self, architecture: dict[str, Any], seed: int) -> nn.Module:
        shape, side = self.prepared.shape, self.training["recipe"]["resize"]
        if side:
            shape = (shape[0], side, side)
        model = build(architecture, shape, self.classes, seed)
        # weights laid out as the batches are; torch's type stubs do not know this argument of Module.to
        return model.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def objective(self, label_smoothing: float = 0.0) -> Objective:
        """Return the objective of the task; smoothed labels are for training only."""
        module = importlib.import_module(f"reunlearn.objectives.{self.training['objective']}")
        return module.make(self.classes, label_smoothing)


def _without_pretrained(architecture: dict[str, Any]) -> dict[str, Any]:
    settings = {key: value for key, value in architecture["settings"].items() if key != "pretrained"}
    return {"name": architecture["name"], "settings": settings}
