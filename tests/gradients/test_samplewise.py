from __future__ import annotations

import pytest
import torch
from torch import nn

from reunlearn.gradients.samplewise import sample_gradients


@pytest.mark.parametrize("training", [True, False])
def test_equals_one_backward_pass_per_sample(training: bool) -> None:
    torch.manual_seed(0)
    body = [nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    model = nn.Sequential(*body, nn.Linear(16, 3)).double().train(training)
    x, y = torch.randn(5, 2, 4, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    parameters = list(model.parameters())
    losses_B = nn.functional.cross_entropy(model(x), y, reduction="none")
    found = sample_gradients(losses_B, parameters)
    for i, loss in enumerate(losses_B):
        for rows, g in zip(found, torch.autograd.grad(loss, parameters, retain_graph=True), strict=True):
            torch.testing.assert_close(rows[i], g, rtol=0, atol=1e-12)
    whole = torch.autograd.grad(losses_B.mean(), parameters)
    for rows, g in zip(found, whole, strict=True):
        torch.testing.assert_close(rows.mean(0), g, rtol=0, atol=1e-12)
    alone = nn.functional.cross_entropy(model(x[:1]), y[:1])
    first = torch.autograd.grad(alone, parameters)[0]
    mixes = not torch.allclose(found[0][0], first, atol=1e-9)
    assert mixes == training, "only batch statistics make a sample's gradient depend on its neighbours"


def test_a_parameter_that_is_not_used_gets_zeros() -> None:
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    found = sample_gradients(torch.stack((used.sum(), 2 * used[0])), [used, unused])
    assert found[0].tolist() == [[1.0, 1.0], [2.0, 0.0]]
    assert found[1].tolist() == [[0.0] * 3] * 2
