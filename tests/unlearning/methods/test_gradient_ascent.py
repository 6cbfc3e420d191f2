from __future__ import annotations

import copy

import pytest
import torch

from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, run


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("bn_mode", ["train", "eval"])
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


def test_frozen_batchnorm_keeps_its_statistics() -> None:
    model = NETWORKS["conv_net"]()
    before = model[1].running_mean.clone()
    frozen, _ = run("gradient_ascent", model, {"bn_mode": "eval"})
    live, _ = run("gradient_ascent", model, {"bn_mode": "train"})
    assert torch.equal(frozen[1].running_mean, before)
    assert not torch.equal(live[1].running_mean, before)
