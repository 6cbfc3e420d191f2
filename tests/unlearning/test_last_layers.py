from __future__ import annotations

import pytest
import torch
from torch import nn

from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.unlearning.last_layers import gradients_only_for, last_layers
from reunlearn.unlearning.methods.cf_k import CFk
from reunlearn.unlearning.task import Task
from tests.unlearning.methods.small import CLASSES, Recorder, make_sets


def names(model: nn.Module, k: int) -> list[str]:
    found = {id(layer) for layer in last_layers(model, k)}
    return [name for name, module in model.named_modules() if id(module) in found]


def small_cnn() -> nn.Module:
    return build(ArchitectureSpec(name="small_cnn", settings={"width": 4}), (1, 8, 8), 3, 0)


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (1, ["head"]),
        (2, ["features.6", "features.7", "head"]),
        (3, ["features.3", "features.4", "features.6", "features.7", "head"]),
        (4, [*(f"features.{i}" for i in (0, 1, 3, 4, 6, 7)), "head"]),
        (9, [*(f"features.{i}" for i in (0, 1, 3, 4, 6, 7)), "head"]),
    ],
)
def test_k_counts_weighted_layers_and_takes_their_batchnorms(k: int, expected: list[str]) -> None:
    assert names(small_cnn(), k) == expected


def test_layers_of_a_resnet() -> None:
    model = build(ArchitectureSpec(name="resnet18", settings={}), (3, 32, 32), 10, 0)
    layers = last_layers(model, 3)
    weighted = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(weighted) == 3
    assert isinstance(weighted[0], nn.Linear)
    assert all(w.weight.shape[0] == 512 for w in weighted[1:])
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in layers) == 2


def test_transformers_have_layer_norms_among_their_last() -> None:
    model = build(
        ArchitectureSpec(name="small_transformer", settings={"width": 8, "depth": 1, "heads": 2}),
        (6, 20),
        3,
        0,
    )
    layers = last_layers(model, 100)
    assert any(isinstance(layer, nn.LayerNorm) for layer in layers)
    assert not any(isinstance(layer, nn.Embedding) for layer in layers)


def test_only_is_undone_after_an_error_too() -> None:
    model = small_cnn()
    model.features[0].weight.requires_grad_(False)
    before = [p.requires_grad for p in model.parameters()]
    with pytest.raises(RuntimeError, match="stop"), gradients_only_for(model, list(model.head.parameters())):
        assert [n for n, p in model.named_parameters() if p.requires_grad] == ["head.weight", "head.bias"]
        raise RuntimeError("stop")
    assert [p.requires_grad for p in model.parameters()] == before


def test_rates_start_again_after_one_three_and_seven_epochs() -> None:
    method, weight = CFk(epochs=15, learning_rate=0.1), nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    task = Task(make_sets(), {"retain"}, Recorder(), CLASSES, 0)
    rates = []
    for _ in method.passes(nn.Module(), optimizer, task):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
    expected = []
    for length in (1, 2, 4, 8):
        turns = torch.arange(length, dtype=torch.float64) / length * torch.pi
        expected += (0.005 + 0.095 * (1 + turns.cos()) / 2).tolist()
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("frozen", ["eval", "train"])
@pytest.mark.parametrize("trained", ["eval", "train"])
def test_modes_of_frozen_and_trained_batchnorm(frozen: str, trained: str) -> None:
    model = small_cnn().eval()
    CFk(k=2, bn_mode=trained, frozen_bn_mode=frozen).set_mode(model)
    assert [model.features[i].training for i in (1, 4, 7)] == [frozen == "train"] * 2 + [trained == "train"]
    assert model.head.training
