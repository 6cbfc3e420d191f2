"""Digests of JSON values, bytes and files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def full_digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value in canonical form, 64 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def short_digest(value: Any) -> str:
    """Return eight hex digits that name a JSON value."""
    return full_digest(value)[:8]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def md5(path: Path) -> str:
    """Return the MD5 of a file: what DVC and publishers of datasets name files by, no protection."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def md5_of_bytes(content: bytes) -> str:
    """Return the MD5 of some bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
