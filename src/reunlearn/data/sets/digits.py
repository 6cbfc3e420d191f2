"""Handwritten digits, 8×8: real images that scikit-learn ships, so nothing is downloaded.

scikit-learn's copy has no split. Here the samples 0, 1, 2 of every three go to train, train, test, so that
both parts cover the whole file. Mean and std are measured on the training part as stored (0…240 of 255).
"""

from __future__ import annotations

import numpy as np

from reunlearn.data.sets.registry import Arrays, DatasetCard, Source


def load(_: Source) -> Arrays:
    """Return the digits with pixels 0…16 spread over 0…240."""
    from sklearn.datasets import load_digits

    content = load_digits()
    x_NCHW = (content.images[:, None] * 15).astype(np.uint8)
    y_N = content.target.astype(np.int64)
    test = np.arange(len(y_N)) % 3 == 2
    return Arrays(x_NCHW[~test], y_N[~test], x_NCHW[test], y_N[test])


CARD = DatasetCard(
    name="digits",
    summary="8×8 handwritten digits",
    classes=tuple("0123456789"),
    shape=(1, 8, 8),
    train=1198,
    test=599,
    mean=(0.2873,),
    std=(0.3541,),
    source="scikit-learn load_digits (UCI Optical Recognition of Handwritten Digits, Alpaydin, Kaynak 1998)",
    licence="CC BY 4.0",
    load=load,
    class_counts=(115, 119, 114, 129, 123, 121, 127, 119, 111, 120),
)
