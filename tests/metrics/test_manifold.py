"""Precision and recall against plain loops, and on sets whose values are plain."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.manifold import precision_and_recall


def share_inside(points: np.ndarray, manifold: np.ndarray, k: int) -> float:
    """Return the per cent of points within the k-th neighbour's distance of some point of the manifold."""
    inside = 0
    for point in points:
        for place, centre in enumerate(manifold):
            others = [np.linalg.norm(centre - o) for j, o in enumerate(manifold) if j != place]
            if np.linalg.norm(point - centre) <= sorted(others)[k - 1]:
                inside += 1
                break
    return 100 * inside / len(points)


def test_equals_the_loops() -> None:
    generator = np.random.default_rng(0)
    real, drawn = generator.normal(size=(25, 3)), 1.5 * generator.normal(size=(30, 3)) + 1.5
    expected = (share_inside(drawn, real, 3), share_inside(real, drawn, 3))
    assert precision_and_recall(real, drawn) == pytest.approx(expected)
    assert 0 < expected[0] < 100


def test_the_same_set_has_all_of_both_and_a_far_one_nothing() -> None:
    points = np.random.default_rng(1).normal(size=(20, 2))
    assert precision_and_recall(points, points) == (100, 100)
    assert precision_and_recall(points, points + 100) == (0, 0)


def test_one_mode_of_two_is_precise_and_recalls_half() -> None:
    mode = np.random.default_rng(2).normal(size=(20, 2)) * 0.1
    precision, recall = precision_and_recall(np.concatenate((mode, mode + 50)), mode)
    assert precision == 100
    assert recall == pytest.approx(50)


def test_too_few_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 3"):
        precision_and_recall(np.ones((3, 2)), np.ones((9, 2)))
