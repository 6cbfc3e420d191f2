"""Unrolling SGD against gradients taken one sample at a time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.study.recipes import Recipe
from reunlearn.training.state.registry import FILE
from reunlearn.training.tensor_files import save_model
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.slow import gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, Seen, assert_same, distance, make_sets

RECIPE = Recipe(learning_rate=0.02, epochs=3, batch_size=4)


def unlearn(
    model: nn.Module, folder: Path | None = None, reading: str | None = None, **settings: Any
) -> tuple[nn.Module, list[Seen]]:
    objective = Recorder()
    state = {"initial_weights": folder} if folder else {}
    task = Task(make_sets(), {"forget"}, objective, CLASSES, 0, recipe=RECIPE, state=state)
    method = make("unrolling_sgd", reading, {"augmented": False, **settings})
    return method.unlearn(copy.deepcopy(model), task), objective.seen


def other_weights(model: nn.Module) -> nn.Module:
    """Return the same network with other weights and BatchNorm statistics."""
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for tensor in changed.state_dict().values():
            if tensor.is_floating_point():
                tensor.mul_(0.5).add_(0.1)
    return changed


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("bn_mode", ["train", "eval"])
@pytest.mark.parametrize(("scaling", "length"), [("sum", 3 * 0.02), ("mean", 3 * 0.02 / 2)])
@pytest.mark.parametrize("at", ["final", "initial"])
def test_equals_one_step_along_the_batch_means(
    tmp_path: Path, network: str, bn_mode: str, scaling: str, length: float, at: str
) -> None:
    model = NETWORKS[network]()
    begin = other_weights(model)
    save_model(begin, tmp_path / FILE)
    unlearned, seen = unlearn(model, tmp_path, bn_mode=bn_mode, scaling=scaling, at=at)
    assert [one.batch.index.tolist() for one in seen] == [[0, 1, 2, 3], [4, 5]]
    point = copy.deepcopy(model if at == "final" else begin).train(bn_mode == "train")
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in seen:
        for name, g in gradient(point, mean_loss(point, one)).items():
            total[name] += g
    expected = copy.deepcopy(
        point if at == "final" else model
    )  # running statistics moved where the gradient was
    for (name, p), start in zip(expected.named_parameters(), model.parameters(), strict=True):
        p.data = start.data + length * total[name]
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-4


@pytest.mark.parametrize("network", NETWORKS)
def test_a_reading_is_a_point_and_a_scale(tmp_path: Path, network: str) -> None:
    model = NETWORKS[network]()
    save_model(other_weights(model), tmp_path / FILE)
    paper, _ = unlearn(model, tmp_path, "paper")
    code, _ = unlearn(model, None, "code")  # without the state that only the paper's reading asks for
    assert_same(paper, unlearn(model, tmp_path, "code", at="initial", scaling="sum")[0], 0)
    assert_same(code, unlearn(model, tmp_path, "paper", at="final", scaling="mean")[0], 0)
    for half in ({"at": "initial"}, {"scaling": "sum"}):
        changed, _ = unlearn(model, tmp_path, "code", **half)
        assert min(distance(changed, code), distance(changed, paper)) > 1e-4


def test_length_is_the_originals_unless_given() -> None:
    model = NETWORKS["two_layer"]()
    own, _ = unlearn(model, at="final")
    same, _ = unlearn(model, at="final", learning_rate=0.02, epochs=3, batch_size=4)
    longer, seen = unlearn(model, at="final", learning_rate=0.04, batch_size=6)
    assert_same(own, same, 0)
    assert len(seen) == 1
    assert distance(longer, own) > 1e-4


def test_it_climbs_the_loss_of_the_forget_set() -> None:
    model = NETWORKS["two_layer"]()
    unlearned, seen = unlearn(model, at="final")
    before, after = (sum(mean_loss(m, one).item() for one in seen) for m in (model, unlearned))
    assert after > before
