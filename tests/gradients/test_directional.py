"""Derivatives along directions against gradients of single samples, and the two ways against each other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reunlearn.gradients import directional
from reunlearn.gradients.directional import along
from tests.gradients.test_per_sample import RULED, UNRULED, network, samples
from tests.gradients.test_wood_fisher import direction, gradients_one_by_one, losses

NETWORKS = {**RULED, **UNRULED}


def directions(model: nn.Module) -> list[Tensor]:
    first = direction(model)
    return [first, first.flip(0)]


@pytest.mark.parametrize("name", NETWORKS)
def test_they_are_products_with_each_gradient(name: str) -> None:
    model = network(NETWORKS[name])
    gradients = gradients_one_by_one(model)
    for found, v in zip(along(model, losses, samples(), directions(model)), directions(model), strict=True):
        assert torch.allclose(found, torch.stack([g @ v for g in gradients]), rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", RULED)
def test_forward_differentiation_says_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(RULED[name])
    by_layers = along(model, losses, samples(), directions(model))
    monkeypatch.setattr(directional, "ruled_layers", lambda model: None)
    forward = along(model, losses, samples(), directions(model))
    assert all(torch.allclose(a, b, rtol=0, atol=1e-11) for a, b in zip(by_layers, forward, strict=True))


def test_a_frozen_parameter_is_no_part_of_a_direction() -> None:
    model = network(RULED["padded"])
    frozen = next(model.parameters())
    full = direction(model)
    rest = full.clone()
    rest[: frozen.numel()] = 0
    (expected,) = along(model, losses, samples(), [rest])
    frozen.requires_grad_(False)
    (found,) = along(model, losses, samples(), [full[frozen.numel() :]])
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
