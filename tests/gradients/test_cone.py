"""Projection onto a cone against its conditions of optimality and the closed form."""

from __future__ import annotations

import itertools

import pytest
import torch

from reunlearn.gradients.cone import agree, bounded_minimum

MARGIN, EPSILON = 0.5, 1e-3


def vectors(memories: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(memories + 1, 12, generator=generator, dtype=torch.float64)
    return drawn[0], drawn[1:]


@pytest.mark.parametrize("seed", range(12))
def test_one_memory_has_a_closed_form(seed: int) -> None:
    g, (m,) = vectors(1, seed)
    g = g - 3 * m if seed % 2 else g
    product = float(m @ g)
    expected = g if product >= 0 else g + max(MARGIN, -product / (float(m @ m) + EPSILON)) * m
    assert torch.allclose(agree(g, m[None], MARGIN, EPSILON), expected, rtol=0, atol=1e-12)


def test_without_a_conflict_nothing_changes() -> None:
    g, m = vectors(3, 0)
    m = m * torch.sign(m @ g)[:, None]
    assert agree(g, m, MARGIN, EPSILON) is g
    assert agree(g, torch.cat((m[:2], -m[2:])), MARGIN, EPSILON) is not g


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("memories", [2, 3, 4])
def test_several_memories_meet_the_conditions(memories: int, seed: int) -> None:
    g, m = vectors(memories, seed)
    quadratic = m @ m.T + EPSILON * torch.eye(memories, dtype=torch.float64)
    v = bounded_minimum(quadratic, m @ g, MARGIN)
    slope = quadratic @ v + m @ g  # must be 0 where v is free and not negative where it is at the margin
    assert (v >= MARGIN - 1e-12).all()
    assert (slope >= -1e-9).all()
    assert (slope[v > MARGIN + 1e-12].abs() < 1e-9).all()


def test_no_point_of_a_grid_is_lower() -> None:
    g, m = vectors(2, 3)
    g = g - 2 * m.sum(0)
    quadratic, linear = m @ m.T + EPSILON * torch.eye(2, dtype=torch.float64), m @ g

    def value(v: torch.Tensor) -> float:
        return float(0.5 * v @ quadratic @ v + linear @ v)

    least = value(bounded_minimum(quadratic, linear, MARGIN))
    grid = torch.linspace(MARGIN, 5, 40, dtype=torch.float64)
    values = [value(torch.stack(point)) for point in itertools.product(grid, grid)]
    assert least <= min(values) < least + 0.5
