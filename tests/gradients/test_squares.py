"""Sums of squared gradients by places, against the gradients themselves."""

from __future__ import annotations

import pytest
import torch

from reunlearn.gradients import squares
from reunlearn.gradients.per_sample import one_hot, per_sample_gradients
from reunlearn.gradients.squares import few_places, squared_products, summed_squares
from tests.gradients.test_per_sample import CLASSES, RULED, UNRULED, network, outputs, samples


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("limit", [1, 2**21])
def test_products_of_places(rows: int, length: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squares, "NUMBERS", limit)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, length, 4, generator=generator).double()
    delta = torch.randn(3, length, rows, 6, generator=generator).double()
    gradients = torch.einsum("blro,bld->brod", delta, x)
    assert torch.allclose(squared_products(x, delta), gradients.square().sum(dim=(0, 1)), rtol=0, atol=1e-12)


def test_they_are_never_negative() -> None:
    x = torch.randn(50, 6, 8, generator=torch.Generator().manual_seed(0))
    delta = x.new_ones(50, 6, 1, 3)
    x -= x.mean(dim=1, keepdim=True)  # gradients of 0 but for rounding
    found = squared_products(x, delta)
    assert float(found.min()) >= 0 and float(found.max()) < 1e-4


@pytest.mark.parametrize("name", [*RULED, *UNRULED])
def test_sums_are_those_of_the_gradients(name: str) -> None:
    model = network({**RULED, **UNRULED}[name])
    total: dict[str, torch.Tensor] = {}
    for key, part in summed_squares(model, outputs, samples(), one_hot):
        total[key] = total.get(key, 0) + part
    expected: dict[str, torch.Tensor] = {}
    for key, _, _, gradient in per_sample_gradients(model, outputs, samples(), one_hot):
        expected[key] = expected.get(key, 0) + gradient.square().sum(dim=(0, 1))
    assert total.keys() == expected.keys()
    assert all(torch.allclose(total[key], expected[key], rtol=1e-9, atol=1e-12) for key in total)


@pytest.mark.parametrize(
    ("length", "short"), [(1, True), (2 * CLASSES - 1, True), (2 * CLASSES, False), (None, False)]
)
def test_few_places_take_the_short_way_and_many_do_not(length: int | None, short: bool) -> None:
    assert few_places(length, CLASSES) == short
