"""Digits: the same bytes each time, and what the card says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from reunlearn.data.prepared import check
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Source


def test_the_card_tells_the_truth() -> None:
    arrays = digits.load(Source(Path("nowhere")))
    check(digits.CARD, arrays)
    pixels = arrays.train_x / 255
    assert np.round(pixels.mean(), 4) == digits.CARD.mean[0]
    assert np.round(pixels.std(), 4) == digits.CARD.std[0]


def test_no_pixel_is_lost_and_each_image_is_on_one_side() -> None:
    arrays, source = digits.load(Source(Path("nowhere"))), load_digits()
    x_NHW, y_N = np.empty((1797, 8, 8)), np.empty(1797)
    test = np.arange(1797) % 3 == 2
    x_NHW[~test], x_NHW[test] = arrays.train_x[:, 0] / 15, arrays.test_x[:, 0] / 15
    y_N[~test], y_N[test] = arrays.train_y, arrays.test_y
    assert np.array_equal(x_NHW, source.images)
    assert np.array_equal(y_N, source.target)


def test_both_parts_hold_every_class_in_like_numbers() -> None:
    arrays = digits.load(Source(Path("nowhere")))
    share = np.bincount(arrays.train_y) / 1198 - np.bincount(arrays.test_y) / 599
    assert np.abs(share).max() < 0.02
