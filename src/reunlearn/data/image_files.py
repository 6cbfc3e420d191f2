"""Image files → one uint8 array, decoded block by block by a few threads.

Memory is bounded by one block of results (32 MiB) and one decoded image per thread (Pillow refuses images above 179
million pixels).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.data.npy import rows_per_block, write_npy
from reunlearn.data.trees import Tree

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_THREADS = 8
WIDE_MODES = ("I", "F")  # 16 and 32 bits per pixel


def read_images(
    tree: Tree,
    names: Sequence[str],
    side: int,
    path: Path | None,
    *,
    shorter: int | None = None,
    upright: bool = False,
) -> np.ndarray:
    """Return the images x [N, 3, side, side] uint8 in the order of their names.

    Args:
        tree: the files.
        names: which files to read.
        side: height and width.
        path: .npy file that the result is written to and mapped from; None keeps it in memory.
        shorter: length to which the shorter side is resized before the central square is cut out; None for images
            that are side × side already.
        upright: turn and mirror each image as its EXIF tag of orientation says; published datasets are read without.

    Raises:
        UserError: a file is missing, empty, corrupt, no image, or of another size.
        OSError: the disk is full.
    """
    shape = (len(names), 3, side, side)
    blocks = _blocks(tree, names, side, shorter=shorter, upright=upright, size=rows_per_block(shape))
    if path is not None:
        return write_npy(path, shape, np.uint8, blocks)
    return np.concatenate([*blocks])


def _blocks(
    tree: Tree,
    names: Sequence[str],
    side: int,
    *,
    shorter: int | None,
    upright: bool,
    size: int,
) -> Iterator[np.ndarray]:
    """Yield images in blocks of `size`; their order does not depend on the threads."""

    def one(name: str) -> np.ndarray:
        content = tree.read(name)
        where = f"{tree.where}/{name}"
        if not content:
            raise UserError(f"{where}: is empty; {tree.advice}")
        return pixels(content, side, shorter, where, tree.advice, upright=upright)

    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        for begin in range(0, len(names), size):
            yield np.stack(list(pool.map(one, names[begin : begin + size])))


def pixels(
    content: bytes, side: int, shorter: int | None, where: str, advice: str, *, upright: bool = False
) -> np.ndarray:
    """Return one image [3, side, side] uint8: the first frame, as Pillow's convert("RGB") makes it.

    Grey comes in three equal channels. Transparency is dropped: the colour below it shows. CMYK is inverted without a
    colour profile. 16 bits per channel of a colour image lose the lower eight, as Pillow reads them.

    Raises:
        UserError: it is corrupt, no image, of more than 8 bits, or of another size.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(content)) as opened:
            opened.load()  # before anything is turned: some readers turn the image themselves as they load it
            mode = opened.mode
            opened.info.pop("transparency", None)  # convert drops it too, but warns of some
            image = (ImageOps.exif_transpose(opened) if upright else opened).convert("RGB")
    except Exception as error:  # Pillow's readers raise errors of many kinds on corrupt files
        reason = "no image that can be read" if isinstance(error, Image.UnidentifiedImageError) else error
        raise UserError(f"{where}: corrupt or no image ({' '.join(str(reason).split())}); {advice}") from None
    if mode.startswith(WIDE_MODES):
        raise UserError(
            f"{where}: more than 8 bits per pixel (mode {mode}), which would turn white; convert it to 8 bits first"
        )
    if shorter is not None:
        image = square(image, shorter, side)
    elif image.size != (side, side):
        raise UserError(f"{where}: {image.width}×{image.height} pixels instead of {side}×{side}; {advice}")
    return np.asarray(image).transpose(2, 0, 1)


def square(image: Image, shorter: int, side: int) -> Image:
    """Return the central square after resizing the shorter side: torchvision's Resize (bilinear) and CenterCrop."""
    from reunlearn.data.torchvision_compat import transforms

    resized = transforms.functional.resize(image, [shorter])
    return transforms.functional.center_crop(resized, [side, side])
