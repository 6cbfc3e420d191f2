"""Datasets: one file each, found by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Arrays:
    """A dataset as arrays: x [N, C, H, W] uint8, y [N] int64, both in the official order."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


@dataclass(frozen=True)
class DatasetCard:
    """What is known of a dataset before it is read."""

    name: str
    summary: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # channels, height, width
    train: int  # images in the official training set
    test: int
    mean: tuple[float, ...]  # per channel, of pixels scaled to [0, 1]
    std: tuple[float, ...]
    source: str
    licence: str
    load: Callable[[Path], Arrays]  # the argument is a folder for downloads
    objective: str = "classification"


def get(name: str) -> DatasetCard:
    """Return a dataset's card by its name."""
    return importlib.import_module(f"reunlearn.data.sets.{name}").CARD


def card(name: str) -> dict:
    """Return what the catalogue tells of a dataset."""
    about = get(name)
    return {
        "name": name,
        "summary": about.summary,
        "classes": len(about.classes),
        "class_names": list(about.classes),
        "shape": list(about.shape),
        "train": about.train,
        "test": about.test,
        "mean": list(about.mean),
        "std": list(about.std),
        "source": about.source,
        "licence": about.licence,
        "objective": about.objective,
    }
