"""The weights that the original's training started from: they follow from its seed."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from reunlearn.training.state.registry import FILE, StateRequest
from reunlearn.training.tensor_files import load_model, save_model

OF_TRAINING = True


def write(request: StateRequest) -> None:
    """Write state.safetensors."""
    save_model(request.start(request.seed), request.folder / FILE)


def read_into(model: nn.Module, folder: Path) -> nn.Module:
    """Give a network of the original's architecture the initial weights and return it."""
    return load_model(model, folder / FILE)
