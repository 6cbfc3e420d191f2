"""Texts: a set of them, in batches as a recipe says."""

from __future__ import annotations

import numpy as np

from reunlearn.data.prepared import Prepared
from reunlearn.data.text import TextSamples
from reunlearn.study.recipes import Recipe


def samples(
    prepared: Prepared, recipe: Recipe, arrays: tuple[np.ndarray, np.ndarray, np.ndarray], device: str
) -> TextSamples:
    """Return a set of texts.

    Args:
        prepared: the dataset; nothing of it is needed here.
        recipe: whether texts of like length share a batch.
        arrays: token ids [M, L], labels [N], and which N of the texts these are [N].
        device: where batches are made.
    """
    x, y, rows = arrays
    return TextSamples(x[rows], y, rows, recipe.group_by_length, device)
