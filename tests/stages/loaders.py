"""Stands for the loader of a stage: noise images and a linear network, without a prepared dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import make
from reunlearn.study.recipes import Recipe
from tests.stages.specifications import recipe as short_recipe

COUNT, CLASSES = 12, 3


class Loader:
    """Noise images, a network with dropout, and a note of each objective that was asked for."""

    classes = CLASSES
    device = "cpu"
    true_labels = np.arange(COUNT) % CLASSES

    def __init__(self, recipe: Recipe | None = None) -> None:
        self.recipe = recipe or short_recipe()
        self.smoothing: list[float] = []

    def training_samples(self, index: np.ndarray | None = None) -> ImageSamples:
        rows = np.arange(COUNT) if index is None else index
        x = np.random.default_rng(0).integers(0, 256, (COUNT, 1, 4, 4)).astype(np.uint8)
        return ImageSamples(x[rows], rows % CLASSES, rows, (0.5,), (0.25,))

    def sets(self, split: str) -> dict[str, ImageSamples]:
        return {
            "forget": self.training_samples(np.arange(4)),
            "retain": self.training_samples(np.arange(4, 12)),
        }

    def fresh_model(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, CLASSES))

    random_model = result_model = fresh_model

    def model(self, folder: str) -> nn.Module:
        return self.fresh_model(0)

    def objective(self) -> Any:
        self.smoothing.append(0.0)
        return make(CLASSES)

    def training_objective(self) -> Any:
        self.smoothing.append(self.recipe.label_smoothing)
        return make(CLASSES, self.recipe.label_smoothing, self.recipe.logit_std)
