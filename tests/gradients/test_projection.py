"""Rectification of two directions: what is orthogonal afterwards, and what the released rule leaves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reunlearn.gradients.projection import rectify, rectify_in_turn, unconflicted

CONFLICTS = [-0.999, -0.9, -0.63, -0.3, -0.01]


def cosine(v: Tensor, w: Tensor) -> float:
    return float(torch.dot(v, w) / (v.norm() * w.norm()))


def pair(c: float) -> tuple[Tensor, Tensor]:
    """Return two directions in 7 dimensions with this cosine and unlike lengths."""
    basis, _ = torch.linalg.qr(
        torch.randn(7, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )
    return 3.0 * basis[0], 0.2 * (c * basis[0] + (1 - c * c) ** 0.5 * basis[1])


@pytest.mark.parametrize("c", CONFLICTS)
def test_the_papers_rule_leaves_no_conflict(c: float) -> None:
    a, d = pair(c)
    new_a, new_d = rectify(a, d)
    assert cosine(new_a, d) == pytest.approx(0, abs=1e-12)
    assert cosine(new_d, a) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("c", CONFLICTS)
def test_the_released_rule_leaves_a_known_one(c: float) -> None:
    a, d = pair(c)
    new_a, new_d = rectify_in_turn(a, d)
    left = c**3 / (1 + c**2 - c**4) ** 0.5
    assert cosine(new_a, d) == pytest.approx(left, abs=1e-12)
    assert cosine(new_d, a) == pytest.approx(0, abs=1e-12)
    assert abs(left) > 1e-7  # the rules differ, so the two tests cannot both hold for one of them


@pytest.mark.parametrize("c", [0.0, 0.4, 1.0])
def test_without_conflict_nothing_changes(c: float) -> None:
    a, d = pair(c) if c else (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]))
    for rule in (rectify, rectify_in_turn):
        new_a, new_d = rule(a, d)
        assert torch.equal(new_a, a)
        assert torch.equal(new_d, d)


def test_nothing_is_projected_onto_zero() -> None:
    v, zero = torch.tensor([1.0, -2.0]), torch.zeros(2)
    assert torch.equal(unconflicted(v, zero), v)
    assert torch.equal(unconflicted(zero, v), zero)
