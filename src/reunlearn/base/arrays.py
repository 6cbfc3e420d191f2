"""Named arrays in .npz files: plain numbers only, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reunlearn.base.files import replacing


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz atomically; the same arrays give the same bytes."""
    with replacing(path) as partial, partial.open("wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays)


def read_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """Read an .npz file of plain arrays."""
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in content.files}
