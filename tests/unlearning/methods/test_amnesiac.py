"""Amnesiac learning: exact subtraction, by name in the state, then repair that sees retain alone."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from reunlearn.training.state.registry import FILE
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, assert_same, make_sets


class Tokened(nn.Module):
    """A network with a parameter whose name holds neither weight nor bias."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.ones(16, dtype=torch.float64))
        self.head = nn.Linear(16, CLASSES).double()
        self.register_buffer("biased_mean", torch.zeros(2, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1) + self.token)


def write_updates(folder: Path, model: nn.Module) -> dict[str, Tensor]:
    """Write some change of every floating-point entry of a model's state and return all of them."""
    generator = torch.Generator().manual_seed(3)
    floating = {n: t for n, t in model.state_dict().items() if t.is_floating_point()}
    updates = {n: torch.randn(t.shape, generator=generator, dtype=torch.float64) for n, t in floating.items()}
    save_file(updates, folder / FILE)
    return updates


def unlearn(folder: Path, model: nn.Module, reading: str | None = None, **settings) -> tuple[nn.Module, list]:
    objective = Recorder()
    task = Task(make_sets(), {"retain"}, objective, CLASSES, 0, state={"batch_updates": folder})
    wanted = {"epochs": 0, "batch_size": 4, "augmented": False, **settings}
    return make("amnesiac", reading, wanted).unlearn(copy.deepcopy(model), task), objective.seen


@pytest.mark.parametrize("network", NETWORKS)
def test_takes_back_the_changes_of_parameters_and_leaves_statistics(tmp_path: Path, network: str) -> None:
    model = NETWORKS[network]()
    updates = write_updates(tmp_path, model)
    unlearned, seen = unlearn(tmp_path, model)
    found = unlearned.state_dict()
    parameters = dict(model.named_parameters())
    for name, before in model.state_dict().items():
        expected = before - updates[name] if name in parameters else before
        assert torch.equal(found[name], expected), name
    assert seen == []


def test_named_entries_are_those_of_the_released_code(tmp_path: Path) -> None:
    model = Tokened()
    updates = write_updates(tmp_path, model)
    paper, code = (unlearn(tmp_path, model, reading)[0].state_dict() for reading in ("paper", "code"))
    before = model.state_dict()
    assert torch.equal(paper["token"], before["token"] - updates["token"])
    assert torch.equal(code["token"], before["token"])
    assert torch.equal(paper["biased_mean"], before["biased_mean"])
    assert torch.equal(code["biased_mean"], before["biased_mean"] - updates["biased_mean"])
    assert torch.equal(paper["head.weight"], code["head.weight"])
    by_hand = unlearn(tmp_path, model, "paper", tensors="named")[0].state_dict()
    assert all(torch.equal(by_hand[name], code[name]) for name in before)


def test_tied_entries_are_taken_back_once(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False)).double()
    model[2].weight = model[1].weight
    updates = write_updates(tmp_path, model)
    updates["2.weight"] = updates["1.weight"].clone()
    save_file(updates, tmp_path / FILE)
    for tensors in ("parameters", "named"):
        unlearned, _ = unlearn(tmp_path, model, tensors=tensors)
        assert torch.equal(unlearned[1].weight, model[1].weight - updates["1.weight"])


def test_weights_in_single_precision_are_rounded_once(tmp_path: Path) -> None:
    model = nn.Linear(16, CLASSES)
    updates = {n: t.double() * (1 / 3) for n, t in model.state_dict().items()}
    save_file(updates, tmp_path / FILE)
    unlearned, _ = unlearn(tmp_path, model)
    assert torch.equal(unlearned.weight, (model.weight.double() - updates["weight"]).float())


@pytest.mark.parametrize("network", NETWORKS)
def test_repair_is_descent_on_retain_alone(tmp_path: Path, network: str) -> None:
    model = NETWORKS[network]()
    updates = {name: 0.01 * change for name, change in write_updates(tmp_path, model).items()}
    save_file(updates, tmp_path / FILE)
    unlearned, seen = unlearn(tmp_path, model, epochs=2, learning_rate=0.1)
    assert sorted(int(i) for one in seen for i in one.batch.index) == sorted(2 * list(range(6, 15)))
    expected = copy.deepcopy(model).train()
    for name, parameter in expected.named_parameters():
        parameter.data = parameter.data - updates[name]
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for one in seen:
        assert one.training
        optimizer.step(gradient(expected, mean_loss(expected, one)), 0.1)
    assert_same(unlearned, expected)
