"""The kernel in panels against the explicit Jacobian, and its stated memory."""

from __future__ import annotations

import pytest
import torch

from reunlearn.data.batches import Batch
from reunlearn.gradients import kernel as module
from reunlearn.gradients.kernel import Panels, kept, kernel, needed, plan, ridge, transposed_product
from tests.gradients.test_per_sample import (
    CLASSES,
    RULED,
    UNRULED,
    jacobian,
    network,
    outputs,
    samples,
    slow_jacobian,
)

N = len(samples())


def take(places: torch.Tensor) -> Batch:
    whole = samples()
    return Batch(whole.x[places], whole.y[places], whole.index[places])


@pytest.mark.parametrize("name", ["padded", "places"])
@pytest.mark.parametrize("panels", [Panels(1, 1), Panels(3, 2), Panels(5, 3), Panels(7, 7)])
def test_panels_give_the_kernel(name: str, panels: Panels) -> None:
    model = network({**RULED, **UNRULED}[name])
    rows = slow_jacobian(model, samples()).flatten(0, 1)
    found = kernel(model, outputs, take, samples=N, classes=CLASSES, panels=panels)
    assert found.dtype == torch.float64
    assert torch.allclose(found, rows @ rows.T, rtol=0, atol=1e-10)


def test_products_are_of_double_precision() -> None:
    """Only J itself has the network's precision."""
    model = network(RULED["padded"]).float()

    def single(places: torch.Tensor) -> Batch:
        batch = take(places)
        return Batch(batch.x.float(), batch.y, batch.index)

    whole = single(torch.arange(N))
    rows = jacobian(model, outputs, whole, CLASSES).flatten(0, 1).double()
    found = kernel(model, outputs, single, samples=N, classes=CLASSES, panels=Panels(N, N))
    assert torch.allclose(found, rows @ rows.T, rtol=1e-13, atol=1e-13)
    assert torch.equal(found, found.T)


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_products_with_the_transpose(batch_size: int) -> None:
    model = network(RULED["padded"])
    x = torch.randn(N, CLASSES, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    expected = slow_jacobian(model, samples()).flatten(0, 1).T @ x.flatten()
    found = transposed_product(model, outputs, take, x, batch_size)
    assert torch.allclose(found, expected, rtol=0, atol=1e-11)


def test_ridge_solves() -> None:
    model = network(RULED["padded"])
    rows = slow_jacobian(model, samples()).flatten(0, 1)
    y = torch.arange(len(rows)).double()
    x = ridge(rows @ rows.T, 0.1, y)
    assert torch.allclose(rows @ (rows.T @ x) + 0.1 * x, y, rtol=0, atol=1e-9)


@pytest.mark.parametrize("limit", [10**4, 10**5, 10**6, 10**7])
@pytest.mark.parametrize("numbers", [150, 15000])
def test_a_plan_keeps_the_bound(limit: int, numbers: int) -> None:
    panels = plan(20, 3, numbers, limit)
    assert 1 <= panels.panel <= 20 and 1 <= panels.block <= 20
    taken = needed(20, 3, numbers, panels.panel, panels.block)
    least = needed(20, 3, numbers)
    assert taken <= max(limit, least)
    if limit == 10**7:
        assert panels.panel == 20 or taken > 0.9 * limit, "memory that is allowed is used"


def test_blocks_have_no_more_rows_than_stated() -> None:
    assert plan(2000, 10, 100, 10**10).block == 51 and plan(2000, 1, 100, 10**10).block == 512
    assert plan(2000, 1000, 100, 10**14).block == 1


def test_memory_of_the_notebooks_setting() -> None:
    square = 20_000**2 * 8
    assert needed(2000, 10, 16_200_100) == 3 * square
    assert needed(20, 10, 16_200_100) == 200**2 * 8 + 3 * 16_200_100 * 4


def test_what_is_allocated_stays_within_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts the samples whose rows are made at once, and the numbers of each."""
    model, panels = network(RULED["padded"]), Panels(3, 2)
    made = []
    original = module.rows_of
    monkeypatch.setattr(module, "rows_of", lambda *a: made.append(original(*a)) or made[-1])
    kernel(model, outputs, take, samples=N, classes=CLASSES, panels=panels)
    assert max(len(rows) for rows in made) <= panels.block and len(made) > N / panels.block
    assert {rows.numbers for rows in made} == {kept(model, outputs, take, CLASSES)}
