"""Weights that other programs saved as a pickle: the state inside an archive is found, and no code runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reunlearn.base.errors import UserError


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Return the network's state in a file of torch.save, read as tensors and plain values only: no code runs.

    The state may lie in dictionaries, beside an optimizer's or a counter of epochs: it is the dictionary with the most
    tensors whose names have a dot, as those of layers do; of equal ones the first, outer before inner.

    Raises:
        UserError: it cannot be read so, or holds no such state.
    """
    try:
        with path.open("rb") as handle:  # a path would be judged by its suffix
            content: Any = torch.load(handle, map_location="cpu", weights_only=True)
    except Exception as error:  # the reader raises errors of many kinds; the user can only replace the file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path}: holds no readable weights: {reason}; save the network's state_dict() alone, or fetch it again"
        ) from error
    found = max(_dictionaries(content), key=_layer_tensors, default={})
    if not _layer_tensors(found):
        raise UserError(f"{path}: holds no weights by name; save a network's state_dict()")
    return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}


def _dictionaries(content: Any) -> list[dict[Any, Any]]:
    """Return all dictionaries in what was read, outer before inner."""
    found, level = [], [content]
    while level:
        found += [entry for entry in level if isinstance(entry, dict)]
        level = [inner for entry in level for inner in _entries(entry)]
    return found


def _entries(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return list(content.values())
    return list(content) if isinstance(content, list | tuple) else []


def _layer_tensors(state: dict[Any, Any]) -> int:
    """Return how many tensors have the name of a layer's weight."""
    return sum(isinstance(value, Tensor) and "." in str(name) for name, value in state.items())
