"""Hessian products against the whole Hessian, and LiSSA against a linear solver."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from reunlearn.gradients.flat import flatten, unflatten
from reunlearn.gradients.hessian import hessian_product, lissa
from tests.unlearning.methods.small import NETWORKS, make_sets


def whole_hessian(model: nn.Module, names: list[str], x: Tensor, y: Tensor) -> Tensor:
    """Return ∂²(sum of losses) over the named parameters, entry by entry."""
    own = dict(model.named_parameters())
    like = [own[name] for name in names]

    def loss(vector_P: Tensor) -> Tensor:
        parts = dict(zip(names, unflatten(vector_P, like), strict=True))
        return functional.cross_entropy(functional_call(model, parts, (x,)), y, reduction="sum")

    return torch.autograd.functional.hessian(loss, flatten([p.detach() for p in like]))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("count", [2, 100], ids=["last", "all"])
def test_product_equals_that_with_the_whole_hessian(network: str, count: int) -> None:
    model = NETWORKS[network]().eval()
    batch = make_sets()["forget"].take(slice(None))
    names = [name for name, _ in model.named_parameters()][-count:]
    parameters = [dict(model.named_parameters())[name] for name in names]
    vector = [
        torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(1)) for p in parameters
    ]
    loss = functional.cross_entropy(model(batch.x), batch.y, reduction="sum")
    found = flatten(hessian_product(loss, parameters, vector))
    hessian_PP = whole_hessian(model, names, batch.x, batch.y)
    assert torch.allclose(found, hessian_PP @ flatten(vector), rtol=0, atol=1e-9)
    assert found.abs().max() > 1e-3


def test_a_linear_loss_has_no_curvature() -> None:
    w = torch.ones(3, requires_grad=True)
    (found,) = hessian_product((2 * w).sum(), [w], [torch.ones(3)])
    assert torch.equal(found, torch.zeros(3))


def quadratic(eigenvalues: list[float]) -> tuple[Tensor, list[Tensor]]:
    """Return a symmetric matrix with these eigenvalues and a vector, cut in two parts."""
    generator = torch.Generator().manual_seed(0)
    size = len(eigenvalues)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    vector = torch.randn(size, generator=generator, dtype=torch.float64)
    return basis @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ basis.T, [
        vector[:2],
        vector[2:],
    ]


def multiply(matrix: Tensor, u: list[Tensor]) -> list[Tensor]:
    return unflatten(matrix @ flatten(u), u)


def test_lissa_solves_the_damped_system() -> None:
    matrix, vector = quadratic([4.0, 6.0, 9.0, 11.0])
    found = lissa(
        lambda step, u: multiply(matrix, u), vector, scale=10.0, damping=0.05, limit=400, patience=20
    )
    damped = matrix + 10.0 * 0.05 * torch.eye(4)
    assert torch.allclose(flatten(found.solution), torch.linalg.solve(damped, flatten(vector)), atol=1e-12)
    undamped = torch.linalg.solve(matrix, flatten(vector))
    assert not torch.allclose(flatten(found.solution), undamped, atol=1e-3)
    assert found.reason == "converged"
    assert found.steps < 400


def test_few_steps_in_flat_directions_are_a_gradient_step() -> None:
    _, vector = quadratic([0.0, 0.0, 0.0])
    found = lissa(
        lambda step, u: [0 * part for part in u], vector, scale=8.0, damping=0.0, limit=5, patience=20
    )
    assert torch.allclose(flatten(found.solution), flatten(vector) * 6 / 8)
    assert (found.steps, found.reason) == (5, "limit")


def test_lissa_diverges_below_half_the_largest_eigenvalue() -> None:
    matrix, vector = quadratic([1.0, 30.0, 3.0])
    found = lissa(
        lambda step, u: multiply(matrix, u), vector, scale=10.0, damping=0.0, limit=400, patience=20
    )
    assert found.reason == "diverged"
    assert found.steps == 20  # no step after the first was smaller
    control = lissa(
        lambda step, u: multiply(matrix, u), vector, scale=16.0, damping=0.0, limit=400, patience=20
    )
    assert control.reason != "diverged"


def test_lissa_stops_at_numbers_that_are_not_finite() -> None:
    found = lissa(
        lambda step, u: [part * math.nan for part in u],
        [torch.ones(2)],
        scale=1.0,
        damping=0.0,
        limit=9,
        patience=3,
    )
    assert (found.reason, found.steps) == ("diverged", 1)


@pytest.mark.parametrize(
    ("changes", "steps", "reason"), [([5, 6], 7, "diverged"), ([5, 4, 6], 8, "converged")]
)
def test_it_has_diverged_if_no_step_but_the_first_was_small(
    changes: list[int], steps: int, reason: str
) -> None:
    found = lissa(
        lambda step, u: [torch.tensor([-float(changes[min(step, len(changes) - 1)])])],
        [torch.zeros(1)],
        scale=1.0,
        damping=0.0,
        limit=60,
        patience=7,
    )
    assert (found.steps, found.reason) == (steps, reason)


def slow_rule(changes: list[float], patience: int, limit: int) -> int:
    """Return how many steps the released loop takes when its steps have these sizes."""
    least, counter, done = math.inf, -1, 0
    while done < limit:
        stop = changes[done] > least and counter >= patience
        if changes[done] < least:
            least, counter = changes[done], 1
        counter += 1
        done += 1
        if stop:
            break
    return done


@pytest.mark.parametrize("seed", range(6))
def test_the_end_is_that_of_the_released_loop(seed: int) -> None:
    """In one dimension, v = 0, δ = 0, s = 1 and u from 0: the product alone decides how large a step is."""
    generator = torch.Generator().manual_seed(seed)
    changes = [5.0, 4.0, *(3 + torch.rand(60, generator=generator, dtype=torch.float64)).tolist()]
    found = lissa(
        lambda step, u: [torch.tensor([-changes[step]], dtype=torch.float64)],
        [torch.zeros(1, dtype=torch.float64)],
        scale=1.0,
        damping=0.0,
        limit=60,
        patience=7,
    )
    assert found.steps == slow_rule(changes, 7, 60)
    assert found.solution[0].item() == pytest.approx(sum(changes[: found.steps]))
