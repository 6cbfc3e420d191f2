"""A user's own list of samples: numbers into the official training set."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from reunlearn.base.errors import UserError

NUMBER = re.compile(r"-?[0-9]{1,18}")


def digest_of(file: str, purpose: str = "forget") -> str:
    """Return the SHA-256 of the file's bytes: the specification names the list by it.

    Args:
        file: path, from the project's folder.
        purpose: what is done with the samples, for the error line.
    """
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; it should list the samples to {purpose}") from None


def read_indices(file: str, digest: str | None = None, purpose: str = "forget") -> list[int]:
    """Return the numbers in a .npy file, or in a text file with one per line, in their order.

    Args:
        file: path, from the project's folder.
        digest: what the file must be, where it was looked at before.
        purpose: what is done with the samples, for the error lines.

    Raises:
        UserError: not such a file, changed since, not whole numbers, negative, or one twice.
    """
    if digest is not None and digest_of(file, purpose) != digest:
        raise UserError(f"{file}: has changed since the plan was made; run again")
    try:
        numbers = _from_npy(file) if file.endswith(".npy") else _from_text(file)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; it should list the samples to {purpose}") from None
    seen: set[int] = set()
    for number in numbers:
        if number < 0:
            raise UserError(f"{file}: {number} is negative; numbers count from 0")
        if number in seen:
            raise UserError(f"{file}: {number} is there twice")
        seen.add(number)
    if not numbers:
        raise UserError(f"{file}: lists nothing to {purpose}")
    return numbers


def _from_text(file: str) -> list[int]:
    lines = Path(file).read_text(encoding="utf-8", errors="replace").split("\n")
    numbers = []
    for place, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not NUMBER.fullmatch(text):
            raise UserError(f"{file}: line {place}: {text[:40]!r} is no whole number")
        numbers.append(int(text))
    return numbers


def _from_npy(file: str) -> list[int]:
    import numpy as np

    try:
        array = np.load(file, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy reads its header as Python: a damaged one raises errors of many kinds
        raise UserError(f"{file}: no .npy file of numbers ({error})") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise UserError(f"{file}: an archive of several arrays, not a .npy file of numbers")
    if array.shape == (0,):
        return []
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise UserError(f"{file}: holds {array.dtype} {array.shape}, not a list of whole numbers")
    return array.tolist()
