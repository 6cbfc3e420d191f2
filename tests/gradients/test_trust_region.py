"""The trust region of a linear layer against automatic differentiation through its scale."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reunlearn.gradients.trust_region import TrustRegion

OUTPUTS, WIDTH, INSIDE = 3, 6, 4


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def space() -> Tensor:
    """Return orthonormal columns M [D, k]."""
    return torch.linalg.qr(random(WIDTH, INSIDE, seed=1))[0]


def loss(weight_OD: Tensor) -> Tensor:
    """Return some loss that is curved in the weights."""
    return (random(7, WIDTH, seed=2) @ weight_OD.T).tanh().square().sum()


def effective(weight_OD: Tensor, basis_DK: Tensor, scale_KK: Tensor) -> Tensor:
    """Return W + W (U Q Uᵀ) − W (U Uᵀ)."""
    scaled = basis_DK @ scale_KK @ basis_DK.T
    return weight_OD + weight_OD @ scaled - weight_OD @ (basis_DK @ basis_DK.T)


@pytest.mark.parametrize("last", [INSIDE, 2])
def test_steps_equal_those_by_automatic_differentiation(last: int) -> None:
    m_DK = space()
    basis_DK, outside_DD = m_DK[:, -last:], torch.eye(WIDTH).double() - m_DK @ m_DK.T
    weight_OD, scale_KK = random(OUTPUTS, WIDTH), torch.eye(last).double()
    region = TrustRegion(weight_OD, basis_DK)
    for _ in range(3):
        w, q = weight_OD.requires_grad_(), scale_KK.requires_grad_()
        by_w, by_q = torch.autograd.grad(loss(effective(w, basis_DK, q)), (w, q))
        weight_OD = (w - 0.1 * by_w @ outside_DD).detach()
        scale_KK = (q - 0.02 * by_q).detach()
        now = region.effective().requires_grad_()
        (gradient_OD,) = torch.autograd.grad(loss(now), now)
        region.step(gradient_OD, gradient_OD @ outside_DD, 0.1, 0.02)
        assert torch.allclose(region.weight_OD, weight_OD, atol=1e-12)
        assert torch.allclose(region.scale_KK, scale_KK, atol=1e-12)
        assert torch.allclose(region.effective(), effective(weight_OD, basis_DK, scale_KK), atol=1e-12)
    assert float((region.scale_KK - torch.eye(last)).abs().max()) > 1e-3


def test_a_fresh_region_is_the_layer_itself_and_a_copy() -> None:
    weight_OD = random(OUTPUTS, WIDTH)
    region = TrustRegion(weight_OD, space())
    assert torch.equal(region.effective(), weight_OD)
    region.step(random(OUTPUTS, WIDTH, seed=3), random(OUTPUTS, WIDTH, seed=4), 0.1, 0.1)
    assert torch.equal(weight_OD, random(OUTPUTS, WIDTH))
    assert not torch.allclose(region.effective(), weight_OD)


def test_inside_the_space_only_the_scale_acts() -> None:
    m_DK = space()
    outside_DD = torch.eye(WIDTH).double() - m_DK @ m_DK.T
    gradient_OD = random(OUTPUTS, WIDTH, seed=3)
    shifts = {}
    for scale_rate in (0.0, 0.1):
        region = TrustRegion(random(OUTPUTS, WIDTH), m_DK)
        before = region.effective()
        region.step(gradient_OD, gradient_OD @ outside_DD, 0.1, scale_rate)
        shifts[scale_rate] = (region.effective() - before) @ m_DK
    assert float(shifts[0.0].abs().max()) < 1e-12
    assert float(shifts[0.1].abs().max()) > 1e-3
