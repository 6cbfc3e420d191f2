from __future__ import annotations

import copy
import math

import pytest
import torch

from reunlearn.unlearning.last_layers import last_layers
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, run

SETTINGS = {"epochs": 3, "learning_rate": 0.2, "clip": 0.05}
RATES = [0.2, 0.2, 0.01 + 0.19 * (1 + math.cos(math.pi / 2)) / 2]  # of sgdr in three epochs


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("frozen_bn_mode", ["eval", "train"])
def test_equals_clipped_descent_of_the_last_layers(network: str, k: int, frozen_bn_mode: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("cf_k", model, {**SETTINGS, "k": k, "frozen_bn_mode": frozen_bn_mode})
    assert len(seen) == 9
    expected = copy.deepcopy(model).train()
    if network == "conv_net" and k == 1 and frozen_bn_mode == "eval":
        expected[1].eval()
    trained = {id(p) for layer in last_layers(expected, k) for p in layer.parameters()}
    moving = {name for name, p in expected.named_parameters() if id(p) in trained}
    assert (len(moving) == len(trained)) and moving
    optimizer = SlowSGD(expected, 0.9, 5e-5)
    for step, one in enumerate(seen):
        found = gradient(expected, mean_loss(expected, one))
        norm = sum(float((found[name] ** 2).sum()) for name in moving) ** 0.5
        scale = min(1.0, 0.05 / (norm + 1e-6))
        held = {name: p.detach().clone() for name, p in expected.named_parameters() if name not in moving}
        optimizer.step({name: scale * g for name, g in found.items()}, RATES[step // 3])
        with torch.no_grad():
            for name, value in held.items():
                expected.get_parameter(name).copy_(value)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


@pytest.mark.parametrize("frozen_bn_mode", ["eval", "train"])
def test_frozen_layers_stay_and_their_statistics_where_promised(frozen_bn_mode: str) -> None:
    model = NETWORKS["conv_net"]()
    settings = {**SETTINGS, "k": 1, "frozen_bn_mode": frozen_bn_mode, "weight_decay": 0.1}
    unlearned, _ = run("cf_k", model, settings)
    after = unlearned.state_dict()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(after[name], value)}
    statistics = {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert changed == {"5.weight", "5.bias"} | (statistics if frozen_bn_mode == "train" else set())
    assert all(p.requires_grad for p in unlearned.parameters())


def test_forget_samples_are_never_seen() -> None:
    _, seen = run("cf_k", NETWORKS["two_layer"](), SETTINGS)
    assert {int(i) for one in seen for i in one.batch.index} == set(range(6, 15))
