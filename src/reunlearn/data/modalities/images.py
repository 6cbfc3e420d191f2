"""Images: a set of them, prepared for a network as a recipe says."""

from __future__ import annotations

import numpy as np

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.data.prepared import Prepared
from reunlearn.data.storage import fits_in_memory
from reunlearn.study.recipes import Recipe


def samples(
    prepared: Prepared, recipe: Recipe, arrays: tuple[np.ndarray, np.ndarray, np.ndarray], device: str
) -> ImageSamples:
    """Return a set of images.

    Args:
        prepared: the dataset, for the normalisation that a recipe leaves open.
        recipe: normalisation, size and augmentation.
        arrays: images [M, C, H, W] uint8, labels [N], and which N of the images these are [N].
        device: where batches are made.
    """
    x, y, rows = arrays
    return ImageSamples(
        x,
        y,
        rows,
        tuple(recipe.mean or prepared.mean),
        tuple(recipe.std or prepared.std),
        augmentation=Augmentation(
            tuple(recipe.augmentation),
            crop_padding=recipe.crop_padding,
            rotation_degrees=recipe.rotation_degrees,
            randaugment_operations=recipe.randaugment_operations,
            randaugment_magnitude=recipe.randaugment_magnitude,
        ),
        resize=recipe.resize,
        interpolation=recipe.interpolation,
        device=device,
        rows=rows,
        mapped=not fits_in_memory(x.nbytes),
    )
