"""Atomic writes, JSON and users' texts: a reader sees the file as it was or as it will be, never a part of it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reunlearn.base.errors import UserError


@contextlib.contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path that takes the place of `path` when the block ends well.

    No other process, on this machine or another, uses the same temporary path.

    Args:
        path: of the file.
        durable: wait until it is on the disk; caches need not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        if durable:
            with partial.open("rb") as handle:
                os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file atomically."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys sorted; NaN becomes null (JSON has none)."""
    write_text(path, json.dumps(_plain(value), indent=1, sort_keys=True, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """Return numpy scalars as numbers and numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "dtype") and not getattr(value, "shape", ()):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_json(path: Path | str) -> Any:
    """Read a JSON file; see `parse_json`."""
    return parse_json(Path(path).read_text(encoding="utf-8"))


def parse_json(text: str | bytes) -> Any:
    """Return the content of JSON.

    Raises:
        ValueError: it is none, or too many levels lie in each other.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("too many levels lie in each other") from None


def read_text(path: Path) -> str:
    """Return a user's text file: UTF-8, with or without the mark of editors at its start, with any line ends.

    Raises:
        UserError: no such file, not readable, or in another encoding.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None
    if "\0" in text:  # what UTF-16 without its mark looks like
        raise UserError(f"{path}: is not UTF-8, but maybe UTF-16; save the file as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
