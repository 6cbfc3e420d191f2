"""Boundary expanding against a network that is widened, trained and pruned by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.unlearning.methods.boundary_expanding import BoundaryExpanding
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, Seen, assert_same, distance, make_sets

SETTINGS = {"epochs": 3, "learning_rate": 0.1, "batch_size": 4, "augmented": False}


def unlearn(
    model: nn.Module, reading: str = "paper", seed: int = 0, **settings: Any
) -> tuple[nn.Module, list[Seen], list[dict[str, Any]]]:
    objective, history = Recorder(), []
    task = Task(make_sets(), {"forget"}, objective, CLASSES, seed, log=history.append)
    method = make("boundary_expanding", reading, {**SETTINGS, **settings})
    return method.unlearn(copy.deepcopy(model), task), objective.seen, history


def fresh_unit(reading: str, inputs: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight [D] and bias of the extra unit: the task's first draw, spread as the reading says."""
    generator = torch.Generator().manual_seed(seed)
    if reading == "paper":
        return (2 / (inputs + CLASSES + 1)) ** 0.5 * torch.randn(inputs, generator=generator), torch.zeros(())
    both = (2 * torch.rand(inputs + 1, generator=generator) - 1) / inputs**0.5
    return both[:-1], both[-1]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("reading", ["paper", "code"])
def test_equals_widen_train_prune(network: str, reading: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen, history = unlearn(model, reading)
    old = model[-1]
    wide = nn.Linear(old.in_features, CLASSES + 1).double()
    weight, bias = fresh_unit(reading, old.in_features, seed=0)
    for k in range(CLASSES):
        wide.weight.data[k], wide.bias.data[k] = old.weight.data[k], old.bias.data[k]
    wide.weight.data[CLASSES], wide.bias.data[CLASSES] = weight, bias
    expected = copy.deepcopy(model)
    expected[-1] = wide
    expected.train()
    optimizer = SlowSGD(expected, 0.9, 0.0)
    for one in seen:
        assert one.training
        assert one.draw.tolist() == [CLASSES] * len(one.draw)
        optimizer.step(gradient(expected, mean_loss(expected, one)), 0.1)
    x, y = (getattr(make_sets()["forget"].take(slice(None)), part) for part in ("x", "y"))
    guess = expected.eval()(x).argmax(dim=1)
    assert history[-1]["extra_share"] == pytest.approx((guess == CLASSES).double().mean().item())
    assert history[-1]["forget_accuracy_expanded"] == pytest.approx((guess == y).double().mean().item())
    pruned = nn.Linear(old.in_features, CLASSES).double()
    pruned.weight.data, pruned.bias.data = wide.weight.data[:CLASSES], wide.bias.data[:CLASSES]
    expected[-1] = pruned
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


@pytest.mark.parametrize("reading", ["paper", "code"])
def test_the_network_keeps_its_shape_and_no_step_changes_nothing(reading: str) -> None:
    model = NETWORKS["conv_net"]()
    unlearned, _, _ = unlearn(model, reading, epochs=0)
    assert unlearned[-1].out_features == CLASSES
    assert {n: p.shape for n, p in unlearned.named_parameters()} == {
        n: p.shape for n, p in model.named_parameters()
    }
    assert all(p.requires_grad for p in unlearned.parameters())
    assert_same(unlearned, model, 0)


def test_the_extra_class_wins_in_the_end() -> None:
    _, _, history = unlearn(NETWORKS["two_layer"](), epochs=40)
    assert history[-1]["extra_share"] == 1
    assert history[-1]["forget_accuracy_expanded"] == 0
    _, _, control = unlearn(NETWORKS["two_layer"](), epochs=1, learning_rate=1e-6)
    assert control[-1]["extra_share"] < 1


def test_a_head_without_bias_stays_without() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES, bias=False)).double()
    unlearned, _, _ = unlearn(model)
    assert unlearned[-1].bias is None
    assert unlearned[-1].weight.shape == (CLASSES, 16)


@pytest.mark.parametrize(
    ("start", "deviation"), [("normal", (2 / (4000 + 4)) ** 0.5), ("uniform", (1 / 12000) ** 0.5)]
)
def test_the_fresh_unit_is_spread_as_released(start: str, deviation: float) -> None:
    head = nn.Linear(4000, 3)
    method = make("boundary_expanding", "paper", {"start": start})
    assert isinstance(method, BoundaryExpanding)
    weight, bias = method.widened(head, torch.Generator().manual_seed(0))
    assert torch.equal(weight[:3], head.weight)
    assert torch.equal(bias[:3], head.bias)
    assert weight[3].std().item() == pytest.approx(deviation, rel=0.05)
    assert (bias[3] == 0) == (start == "normal")
    assert start == "normal" or weight[3].abs().max() <= 4000**-0.5
