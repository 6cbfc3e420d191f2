from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.unlearning.methods.l1_sparse import L1Sparse
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, run

SETTINGS: dict[str, Any] = {"learning_rate": 0.1, "epochs": 4, "free_epochs": 1, "alpha": 0.02}
WEIGHTS = {
    "decaying": [0.02, 0.02 * 2 / 3, 0.02 / 3, 0.0],
    "constant": [0.02, 0.02, 0.02, 0.0],
    "growing": [0.0, 0.02 / 3, 0.02 * 2 / 3, 0.0],
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("penalty", WEIGHTS)
def test_equals_descent_with_signs(network: str, penalty: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("l1_sparse", model, {**SETTINGS, "penalty": penalty})
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for step, one in enumerate(seen):
        weight = WEIGHTS[penalty][step // 3]  # 9 retain samples in batches of 4
        found = gradient(expected, mean_loss(expected, one))
        signs = {name: torch.sign(p.detach()) for name, p in expected.named_parameters()}
        optimizer.step({name: found[name] + weight * signs[name] for name in found}, 0.1)
    assert_same(unlearned, expected)
    plain, _ = run("l1_sparse", model, {**SETTINGS, "alpha": 0.0})
    assert distance(unlearned, plain) > 1e-3


def norm(model: nn.Module) -> float:
    return sum(p.abs().sum().item() for p in model.parameters())


def test_it_shrinks_all_weights_biases_too() -> None:
    model = NETWORKS["conv_net"]()
    with torch.no_grad():
        model[1].bias.fill_(0.5)
    strong, _ = run("l1_sparse", model, {**SETTINGS, "alpha": 0.1, "epochs": 10})
    plain, _ = run("l1_sparse", model, {**SETTINGS, "alpha": 0.0, "epochs": 10})
    assert norm(strong) < 0.8 * norm(plain)
    assert strong[1].bias.abs().sum() < 0.8 * plain[1].bias.abs().sum()


def test_no_penalty_where_all_epochs_are_free() -> None:
    method = L1Sparse(epochs=3, free_epochs=3)
    assert [method.weight(epoch) for epoch in range(3)] == [0.0, 0.0, 0.0]
    assert L1Sparse(epochs=3, free_epochs=2).weight(0) == method.alpha


def test_forget_samples_are_never_seen() -> None:
    _, seen = run("l1_sparse", NETWORKS["two_layer"](), SETTINGS)
    assert {int(i) for one in seen for i in one.batch.index} == set(range(6, 15))
