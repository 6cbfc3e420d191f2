"""Which tensors a file of weights holds, from its header alone: without torch, and without reading the weights."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.files import parse_json

LARGEST = 2**27  # bytes of a header: a longer one is none


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a safetensors file.

    Raises:
        UserError: it is no such file; a pickle is never opened.
        OSError: it cannot be read.
    """
    try:
        return {name: shape for name, (_, shape) in tensors_of(path).items()}
    except ValueError:
        raise UserError(
            f"{path}: no safetensors file; weights are read from .safetensors alone, a pickle is never opened"
        ) from None


def tensors_of(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type, as the format calls it (F32, BF16, I64), and shape of each tensor of a safetensors file.

    Raises:
        ValueError: it is no such file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        text = file.read(size) if 0 < size < LARGEST else b""
    try:
        header = parse_json(text)
        return {
            name: (str(entry["dtype"]), tuple(entry["shape"]))
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path}: no header of safetensors") from None
