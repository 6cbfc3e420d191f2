"""Small image files for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write(path: Path, seed: int, width: int = 12, height: int = 12) -> None:
    """Write an image whose pixels depend on the seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def sources(x_NCHW: np.ndarray, seeds: range) -> list[int]:
    """Return of each image [3, H, W] the seed that it was made from."""
    side = x_NCHW.shape[-1]
    known = {}
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
        known[pixels.transpose(2, 0, 1).tobytes()] = seed
    return [known[x.tobytes()] for x in x_NCHW]
