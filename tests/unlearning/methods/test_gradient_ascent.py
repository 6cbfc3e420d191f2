from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, run


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("bn_mode", ["train", "eval", "network"])
def test_equals_clipped_ascent_on_forget(network: str, bn_mode: str) -> None:
    model = NETWORKS[network]()
    settings = {"epochs": 2, "learning_rate": 0.1, "clip": 0.05, "bn_mode": bn_mode}
    unlearned, seen = run("gradient_ascent", model, settings)
    assert sorted(int(i) for one in seen[:2] for i in one.batch.index) == list(range(6))
    expected = copy.deepcopy(model).train(bn_mode == "train")
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for one in seen:
        found = gradient(expected, -mean_loss(expected, one))
        norm = sum(float((g**2).sum()) for g in found.values()) ** 0.5
        assert norm > 0.05, "the clip is never reached"
        optimizer.step({name: g * 0.05 / (norm + 1e-6) for name, g in found.items()}, 0.1)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-4


def test_evaluation_mode_of_the_network_stops_dropout_too() -> None:
    """SFR-on's ascent is without dropout; freezing BatchNorm alone is not."""
    body = [nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)]
    model = nn.Sequential(*body).double()

    def ascend(bn_mode: str) -> nn.Module:
        torch.manual_seed(1)
        return run("gradient_ascent", model, {"bn_mode": bn_mode, "learning_rate": 0.1})[0]

    without, _ = run(
        "gradient_ascent", nn.Sequential(*body[:3], body[4]), {"bn_mode": "eval", "learning_rate": 0.1}
    )
    assert torch.equal(ascend("network")[1].weight, without[1].weight)
    assert not torch.equal(ascend("eval")[1].weight, without[1].weight)


def test_without_a_clip_steps_are_as_long_as_the_gradient() -> None:
    model = NETWORKS["two_layer"]()
    free, _ = run("gradient_ascent", model, {"epochs": 1, "clip": 0.0})
    wide, _ = run("gradient_ascent", model, {"epochs": 1, "clip": 1e9})
    tight, _ = run("gradient_ascent", model, {"epochs": 1, "clip": 0.01})
    assert distance(free, wide) == 0
    assert distance(free, tight) > 1e-6


def test_frozen_batchnorm_keeps_its_statistics() -> None:
    model = NETWORKS["conv_net"]()
    before = model[1].running_mean.clone()
    frozen, _ = run("gradient_ascent", model, {"bn_mode": "eval"})
    live, _ = run("gradient_ascent", model, {"bn_mode": "train"})
    assert torch.equal(frozen[1].running_mean, before)
    assert not torch.equal(live[1].running_mean, before)
