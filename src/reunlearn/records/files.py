"""Atomic writes and checksums. No pickle anywhere: safetensors, npz of plain arrays, JSON."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys sorted; NaN becomes null (JSON has none)."""
    write_text(path, json.dumps(_plain(value), indent=1, sort_keys=True, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """Return numpy scalars as numbers and non-finite numbers as None."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def read_json(path: Path | str) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz atomically; the same arrays give the same bytes."""
    with replacing(path) as partial, partial.open("wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays)


def read_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """Read an .npz file of plain arrays."""
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in content.files}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
