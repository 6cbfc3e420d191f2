"""The second-order correction of labels: ours equals the reference, whose Hessian and limit are known."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from .batches import normal
from .closed_forms import WEIGHT, X, Y, misclassified, probabilities
from .harness import assert_equal
from .label_correction_runs import correction, order_of_points, training_data
from .networks import NETS, linear
from .references import warnecke_second_order
from .references._weights import trainable


def compare(kind: str, passes: int = 3, size: int = 6, scale: float = 40.0, dense: bool = False) -> None:
    """LiSSA over batches of one order that is begun anew, or to its end against the inverse matrix."""
    settings = {"batch_size": size, "scale": scale, "damping": 0.1, "patience": 10**6, "passes": passes}
    ours = correction("warnecke_second_order", kind, largest=4, **settings)
    x, clean = training_data(ours)
    order = ours.draws("randperm")[1]
    batches = [(x[rows], clean[rows]) for rows in order.split(size)]
    expected = warnecke_second_order.reference(
        ours.original(),
        {"training": (x, clean), "hessian": batches},
        scale=scale,
        damping=0.1,
        iterations=passes * len(batches),
        patience=None,
        dense=dense,
        order=order_of_points(ours, 4),
        maximum=4,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "warnecke_second_order": compare,
    "warnecke_second_order: inverse": partial(compare, passes=400, size=17, scale=200.0, dense=True),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


LISSA: dict[str, Any] = {"scale": 20.0, "damping": 0.05, "iterations": 2000, "patience": None}


def hessian() -> torch.Tensor:
    """Return the Hessian of the linear softmax model: Σ (diag p − p pᵀ) ⊗ x xᵀ."""
    p = probabilities()
    blocks = [torch.diag(row) - torch.outer(row, row) for row in p]
    return sum(torch.kron(block, torch.outer(x, x)) for block, x in zip(blocks, X, strict=True))


def test_lissa_converges_to_the_dense_inverse() -> None:
    model = linear(WEIGHT)
    dense = warnecke_second_order.dense_hessian(model, (X, Y), trainable(model))
    torch.testing.assert_close(dense, hessian())
    v, eye = normal(6, seed=8), torch.eye(6, dtype=torch.float64)
    limit = warnecke_second_order.lissa(v, [dense], **LISSA)
    torch.testing.assert_close(limit, torch.linalg.inv(hessian() + 0.05 * 20.0 * eye) @ v)


@pytest.mark.parametrize("dense", [True, False])
def test_the_step_of_a_linear_model(dense: bool) -> None:
    wrong, swap = misclassified()
    damped = hessian() + torch.eye(6, dtype=torch.float64)
    step = torch.linalg.solve(damped, (swap[wrong].T @ X[wrong]).reshape(-1)).reshape(3, 2)
    data = {"training": (X, Y), "hessian": [(X, Y)]}
    changed = warnecke_second_order.reference(linear(WEIGHT), data, dense=dense, **LISSA)
    torch.testing.assert_close(changed.weight.detach(), WEIGHT - step)
