"""What a replay of the training left where it missed the original: how far it ended from it, and its weights."""

from __future__ import annotations

import math
from pathlib import Path

from torch import nn

from reunlearn.base.files import read_json
from reunlearn.training.tensor_files import load_model

FACTS, WEIGHTS = "replay.json", "replayed.safetensors"


def replayed_distance(folder: Path) -> float:
    """Return how far the replay that a state folder tells of ended from the original; 0 where it met it."""
    if not (folder / FACTS).exists():
        return 0.0
    distance = read_json(folder / FACTS)["replay_distance"]
    return math.inf if distance is None else float(distance)  # JSON has no infinity


def read_replayed(model: nn.Module, folder: Path) -> nn.Module:
    """Give a network of the original's architecture the weights that the replay ended in and return it."""
    return load_model(model, folder / WEIGHTS)
