from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from reunlearn.gradients.displaced import Displaced


@pytest.mark.parametrize("training", [True, False])
def test_sees_other_weights_and_leaves_the_model_alone(training: bool) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double().train(training)
    before = copy.deepcopy(model.state_dict())
    moved = copy.deepcopy(model)
    with torch.no_grad():
        moved[0].weight += 1.0
    x = torch.randn(6, 3, dtype=torch.float64)
    displaced = Displaced(model, {"0.weight": moved[0].weight})
    torch.testing.assert_close(displaced(x), moved(x))
    assert displaced.training == training
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    assert torch.equal(moved[1].running_mean, before["1.running_mean"]) == (not training)


def test_gradients_reach_what_the_weights_depend_on() -> None:
    model = nn.Linear(2, 1, bias=False)
    scale = torch.tensor(3.0, requires_grad=True)
    Displaced(model, {"weight": scale * torch.ones(1, 2)})(torch.tensor([[1.0, 2.0]])).sum().backward()
    assert scale.grad is not None
    assert scale.grad.item() == 3.0
    assert model.weight.grad is None
