"""Fréchet distance: the formula with a matrix square root; in one dimension it is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from reunlearn.measures._frechet import frechet_distance


def vectors(count: int, size: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Return correlated vectors [count, size]."""
    generator = np.random.default_rng(seed)
    return shift + scale * generator.normal(size=(count, size)) @ generator.normal(size=(size, size))


def test_equals_the_formula() -> None:
    a, b = vectors(50, 5, 0), vectors(80, 5, 1, shift=0.5)
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    a_cov, b_cov = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = means + np.trace(a_cov + b_cov - 2 * np.real(sqrtm(a_cov @ b_cov)))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-6)


def test_in_one_dimension_it_is_that_of_means_and_deviations() -> None:
    a, b = vectors(30, 1, 0), vectors(30, 1, 1, scale=3.0, shift=2.0)
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_a_set_has_no_distance_to_itself() -> None:
    a = vectors(40, 4, 0)
    assert abs(frechet_distance(a, a)) < 1e-6 < frechet_distance(a, a + 0.1)


def test_what_has_no_distance() -> None:
    assert np.isnan(frechet_distance(np.full((3, 2), np.inf), np.ones((3, 2))))
    with pytest.raises(ValueError, match="two vectors"):
        frechet_distance(np.ones((1, 2)), np.ones((3, 2)))
