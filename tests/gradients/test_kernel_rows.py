"""Rows and factors, and their products, against the explicit Jacobian."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from reunlearn.data.batches import Batch
from reunlearn.gradients import kernel_rows as module
from reunlearn.gradients import per_sample
from reunlearn.gradients.kernel_rows import Rows, add_product, add_square, rows_of
from tests.gradients.test_per_sample import CLASSES, RULED, UNRULED, network, outputs, samples, slow_jacobian

N = len(samples())


def wide() -> nn.Module:
    """Return a network of which two convolutions and the head are kept as factors, the others not."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.Tanh(),
        nn.Conv2d(6, 24, 2, bias=False),
        nn.Tanh(),
        nn.Conv2d(24, 24, 2, stride=2),
        nn.Flatten(),
        nn.Linear(24, 30),
        nn.Tanh(),
        nn.Linear(30, CLASSES),
    )
    return model.double().eval()


def shaped() -> Batch:
    return Batch(samples().x.reshape(N, 4, 3, 3), samples().y, samples().index)


def test_layers_of_few_places_are_kept_as_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 1)
    model = wide()
    rows = rows_of(model, outputs, shaped(), CLASSES)
    assert set(rows.factors) == {"3.weight", "5.weight", "7.weight", "9.weight"}
    assert rows.factors["3.weight"].u.shape == (N, 4, 24)
    assert rows.factors["3.weight"].delta.shape == (N, 4, 24, CLASSES)
    assert rows.numbers < CLASSES * sum(p.numel() for p in model.parameters())
    ruleless = rows_of(network(UNRULED["places"]), outputs, samples(), CLASSES)
    assert not ruleless.factors and len(ruleless) == N


@pytest.mark.parametrize(("numbers", "small"), [(1, 1), (2**21, 100), (2**21, 2**12)])
@pytest.mark.parametrize("name", [*RULED, *UNRULED, "wide"])
def test_products_are_those_of_the_jacobian(
    name: str, numbers: int, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, value in (("NUMBERS", numbers), ("SMALL", small), ("COLUMNS", 7), ("PARTS", 3)):
        monkeypatch.setattr(module, limit, value)
    model = wide() if name == "wide" else network({**RULED, **UNRULED}[name])
    batch = shaped() if name == "wide" else samples()
    full = slow_jacobian(model, batch).flatten(0, 1)
    expected = full @ full.T
    rows = rows_of(model, outputs, batch, CLASSES)
    square = squared(rows)
    upper = torch.ones_like(square).triu().bool()
    torch.testing.assert_close(square[upper], expected[upper], rtol=0, atol=1e-10)
    product = torch.zeros(3 * CLASSES, (N - 3) * CLASSES, dtype=torch.float64)
    add_product(product, rows.part(0, 3), rows.part(3, N))
    torch.testing.assert_close(product, expected[: 3 * CLASSES, 3 * CLASSES :], rtol=0, atol=1e-10)


def squared(rows: Rows) -> torch.Tensor:
    total = torch.zeros(len(rows) * CLASSES, len(rows) * CLASSES, dtype=torch.float64)
    add_square(total, rows)
    return total


@pytest.mark.parametrize("rows_at_once", [1, 2**25])
def test_room_is_filled_block_by_block(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", 200)
    model, batch = wide(), shaped()
    whole = rows_of(model, outputs, batch, CLASSES)
    monkeypatch.setattr(per_sample, "DELTAS", rows_at_once)
    monkeypatch.setattr(per_sample, "FEWEST", 1)
    room = whole.part(0, 1).room(N)
    for each in (*room.whole.values(), *(t for f in room.factors.values() for t in (f.u, f.delta))):
        each.fill_(torch.nan)
    for begin, end in ((0, 2), (2, N)):
        few = Batch(batch.x[begin:end], batch.y[begin:end], batch.index[begin:end])
        rows_of(model, outputs, few, CLASSES, room.part(begin, end))
    torch.testing.assert_close(squared(room), squared(whole), rtol=0, atol=1e-12)


def test_numbers_of_single_precision_are_multiplied_in_double() -> None:
    exact = rows_of(wide(), outputs, shaped(), CLASSES)
    rounded = with_each(exact, torch.Tensor.float)
    torch.testing.assert_close(
        squared(rounded), squared(with_each(rounded, torch.Tensor.double)), rtol=1e-14, atol=1e-14
    )


def with_each(rows: Rows, change: Callable[[torch.Tensor], torch.Tensor]) -> Rows:
    factors = {n: module.Factors(change(f.u), change(f.delta)) for n, f in rows.factors.items()}
    return Rows({n: change(each) for n, each in rows.whole.items()}, factors)
