"""Influence unlearning: ours equals the reference in both readings; the recursions against the dense inverse."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from .batches import normal
from .closed_forms import ONE_HOT, WEIGHT, X, Y, probabilities
from .harness import assert_equal, run
from .networks import NETS, linear
from .references import influence

RECURSIONS = {"paper": "exact", "code": "released"}


def compare(kind: str, reading: str) -> None:
    """A small N, which makes the recursion matter, and fewer samples than there are."""
    settings = {"alpha": 3.0, "recursion_size": 5, "samples": 8, "batch_size": 3, "augmented": False}
    ours = run(f"influence@{reading}", kind, settings)
    expected = influence.reference(
        ours.original(),
        {"retain": ours.whole("retain"), "forget": ours.whole("forget")},
        alpha=3.0,
        number=5.0,
        maximum_samples=8,
        recursion=RECURSIONS[reading],
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "influence@paper": partial(compare, reading="paper"),
    "influence@code": partial(compare, reading="code"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_the_recursions_against_the_dense_inverse() -> None:
    """Released: right for parallel gradients, the first sample only starting it. Exact: right for all."""
    g, v, eye = normal(5, seed=1), normal(5, seed=2), torch.eye(5, dtype=torch.float64)
    for m in (1, 2, 6):
        dense = torch.linalg.inv(eye + (m - 1) / 10 * torch.outer(g, g))
        torch.testing.assert_close(influence.woodfisher_released(v, [g] * m, 10.0), dense @ v)
    rows = [normal(5, seed=s) for s in range(4)]
    dense = torch.linalg.inv(eye + sum(torch.outer(r, r) for r in rows) / 10)
    torch.testing.assert_close(influence.woodfisher_exact(v, rows, 10.0), dense @ v)
    assert not torch.allclose(influence.woodfisher_released(v, rows, 10.0), dense @ v, atol=1e-3)


def test_with_one_sample_it_is_a_gradient_step() -> None:
    """One retain sample only gives o its first value, so k = v."""
    model = linear(WEIGHT)
    slopes = (probabilities() - ONE_HOT)[:, :, None] * X[:, None, :]
    v = (slopes[1:].sum(0) - 6 / 1 * slopes[0]) / 7
    influence.reference(model, {"retain": (X[:1], Y[:1]), "forget": (X[1:], Y[1:])}, alpha=2.0)
    torch.testing.assert_close(model.weight.detach(), WEIGHT + 2.0 * v)
