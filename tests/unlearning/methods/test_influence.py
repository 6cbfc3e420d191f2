"""Influence unlearning against the recursion as released: one sample, one whole vector at a time."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, make_sets, run

SETTINGS = {"alpha": 30.0, "recursion_size": 3}


def flat_gradient(model: nn.Module, batch: Batch) -> Tensor:
    model.zero_grad()
    functional.cross_entropy(model(batch.x), batch.y).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def reference(model: nn.Module, samples: int, size: int = 3, alpha: float = 30.0) -> nn.Module:
    model = copy.deepcopy(model).eval()
    sets = make_sets()
    gradients = {name: [flat_gradient(model, b) for b in s.batches(1)] for name, s in sets.items()}
    forget, retain = sum(gradients["forget"]), sum(gradients["retain"])
    k = (forget - 6 / 9 * retain) / 15
    o = gradients["retain"][0].clone()
    for g in gradients["retain"][1:samples]:
        t = torch.dot(o, g)
        k = k - torch.dot(k, g) / (size + t) * o
        o = o - t / (size + t) * o
    step, begin = alpha * k, 0
    for p in model.parameters():
        p.data += step[begin : begin + p.numel()].view_as(p)
        begin += p.numel()
    return model


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("batch_size", [1, 4, 256])
@pytest.mark.parametrize("samples", [1, 5, 1002])
def test_equals_the_recursion(network: str, batch_size: int, samples: int) -> None:
    model = NETWORKS[network]().eval()
    found, _ = run("influence", model, {**SETTINGS, "batch_size": batch_size, "samples": samples})
    assert_same(found, reference(model, samples))
    assert distance(found, model) > 1e-2


@pytest.mark.parametrize("network", NETWORKS)
def test_size_and_number_of_samples_count(network: str) -> None:
    model = NETWORKS[network]().eval()
    found, _ = run("influence", model, SETTINGS)
    assert distance(found, reference(model, 9, size=1000)) > 1e-6
    assert distance(found, reference(model, 5)) > 1e-6
    other, _ = run("influence", model, {**SETTINGS, "recursion_size": 1000})
    assert_same(other, reference(model, 9, size=1000))


def test_a_small_step_raises_the_forget_loss() -> None:
    model = NETWORKS["conv_net"]().eval()
    found, _ = run("influence", model, {"alpha": 0.05})
    batch = make_sets()["forget"].take(slice(None))
    before, after = (float(functional.cross_entropy(m(batch.x), batch.y).detach()) for m in (model, found))
    assert after > before
    assert torch.equal(found[1].running_mean, model[1].running_mean)
