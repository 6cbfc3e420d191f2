"""BatchNorm within `second_derivatives` against finite differences and against torch's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from reunlearn.gradients.second_order import second_derivatives
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

SHAPE = (3, 8, 8)


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + len(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("shape", [(3, 4, 3, 2), (7, 4), (3, 4, 5)])
@pytest.mark.parametrize("last", [True, False])
def test_batch_norm(shape: tuple[int, ...], last: bool) -> None:
    x = normal(*shape)
    if last and len(shape) == 4:
        x = x.detach().to(memory_format=torch.channels_last).requires_grad_()
    inputs = [x, normal(4, seed=1), normal(4, seed=2)]

    def batch_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, weight, bias, True, 0.1, 1e-2)

    with second_derivatives():
        assert "_BatchNorm" in type(batch_norm(*inputs).grad_fn).__name__
        assert gradcheck(batch_norm, inputs) and gradgradcheck(batch_norm, inputs)


def derivatives(model: nn.Module, mixed: bool = False) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return the gradient of the gradient's squares, and the buffers afterwards."""
    x = torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(3))
    x = x.to(next(model.parameters()).dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        loss = functional.cross_entropy(model(x).float(), torch.arange(6) % 3)
    parameters = list(model.parameters())
    first = torch.autograd.grad(loss, parameters, create_graph=True)
    second = torch.autograd.grad(sum(g.square().sum() for g in first), parameters, materialize_grads=True)
    return list(second), {name: b.clone() for name, b in model.named_buffers()}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["resnet18", "small_vgg", "all_cnn"])
def test_networks_have_torch_s_second_derivatives(name: str, training: bool) -> None:
    settings = {"width": 4} if name == "resnet18" else {}
    model = build(ArchitectureSpec(name=name, settings=settings), SHAPE, 3, 0).double().train(training)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    expected, expected_buffers = derivatives(copy.deepcopy(model))
    with second_derivatives():
        found, buffers = derivatives(model)
    for value, other in zip(found, expected, strict=True):
        torch.testing.assert_close(value, other, rtol=1e-8, atol=1e-8 * float(other.abs().max()) + 1e-9)
    assert buffers.keys() == expected_buffers.keys()
    assert all(torch.allclose(buffers[key], expected_buffers[key]) for key in buffers)


def test_mixed_precision_is_left_to_torch() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3))
    theirs, _ = derivatives(copy.deepcopy(model), mixed=True)
    with second_derivatives():
        ours, _ = derivatives(model, mixed=True)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_a_single_value_per_channel_is_refused_as_by_torch() -> None:
    with second_derivatives(), pytest.raises(ValueError, match="more than 1 value per channel"):
        functional.batch_norm(normal(1, 4), None, None, normal(4, seed=1), normal(4, seed=2), True)


def test_nothing_changes_where_none_are_wanted() -> None:
    x, weight, bias = normal(7, 4), normal(4, seed=1), normal(4, seed=2)
    with second_derivatives(wanted=False):
        y = functional.batch_norm(x, None, None, weight, bias, True)
    assert "_BatchNorm" not in type(y.grad_fn).__name__
