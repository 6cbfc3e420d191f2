"""Architectures: one file each, found by its name; the file's `build` makes the network."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import torch
from torch import nn


def build(architecture: dict[str, Any], shape: tuple[int, int, int], classes: int, seed: int) -> nn.Module:
    """Return a freshly initialised network.

    Args:
        architecture: `{"name": …, "settings": {…}}`.
        shape: channels, height, width of its inputs.
        classes: number of outputs.
        seed: of the initial weights; the global random state is left as it was.
    """
    module = importlib.import_module(f"reunlearn.models.{architecture['name']}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return module.build(shape, classes, **architecture["settings"])


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of an architecture."""
    module = importlib.import_module(f"reunlearn.models.{name}")
    parameters = list(inspect.signature(module.build).parameters.values())[2:]
    settings = {p.name: p.default for p in parameters}
    return {"name": name, "summary": (module.__doc__ or "").strip().splitlines()[0], "settings": settings}
