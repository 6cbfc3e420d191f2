from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.unlearning.methods.scrub import SCRUB
from reunlearn.unlearning.progress import Progress
from tests.unlearning.methods.double_precision import memorise
from tests.unlearning.methods.slow import SlowSGD, gradient
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, make_sets
from tests.unlearning.methods.watched import Passed, slow_divergence, watch

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.1,
    "epochs": 3,
    "msteps": 2,
    "gamma": 0.8,
    "alpha": 0.3,
    "forget_batch_size": 5,
    "schedule": "constant",
}


def students(passed: list[Passed]) -> list[Passed]:
    return [one for one in passed if one.learning]


def slow_loss(model: nn.Module, teacher: nn.Module, one: Passed, temperature: float) -> torch.Tensor:
    """Return the loss of one step, told from the batch whether it is forget's or retain's."""
    logits = model(one.batch.x)
    with torch.no_grad():
        taught = teacher(one.batch.x)
    away = temperature**2 * slow_divergence(taught, logits, temperature)
    if int(one.batch.index.max()) < 6:
        return -away
    picked = logits.log_softmax(dim=1)[torch.arange(len(logits)), one.batch.y]
    return 0.8 * -picked.mean() + 0.3 * away


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_equals_turns_of_ascent_and_descent(network: str, temperature: float) -> None:
    model = NETWORKS[network]()
    unlearned, watcher, _ = watch("scrub", model, {**SETTINGS, "temperature": temperature})
    expected, teacher = copy.deepcopy(model).train(), copy.deepcopy(model).eval()
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for one in students(watcher.passed):
        assert one.training
        optimizer.step(gradient(expected, slow_loss(expected, teacher, one, temperature)), 0.1)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


def test_forget_comes_first_in_the_first_epochs_only() -> None:
    _, watcher, _ = watch("scrub", NETWORKS["two_layer"](), SETTINGS)
    kinds = ["f" if int(one.batch.index.max()) < 6 else "r" for one in students(watcher.passed)]
    assert "".join(kinds) == "ffrrr" + "ffrrr" + "rrr"
    assert all(not one.training for one in watcher.passed if not one.learning), "the teacher evaluates"


@pytest.mark.parametrize(
    ("schedule", "tenths"),
    [("steps_3_5_9", [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]), ("steps_5_8_9", [0, 0, 0, 0, 0, 1, 1, 1, 2, 3])],
)
def test_rates_fall_after_these_epochs(schedule: str, tenths: list[int]) -> None:
    model = NETWORKS["two_layer"]()
    method = SCRUB(epochs=10, schedule=schedule, learning_rate=1.0)
    optimizer = method.make_optimizer(model)
    rates = []
    task: Any = SimpleNamespace(progress=Progress(around=None))  # kept nowhere
    for _ in method.passes(model, optimizer, task):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
    assert rates == pytest.approx([10.0**-n for n in tenths])


def error(model: nn.Module, samples, classes: set[int]) -> float:
    batch = samples.take(slice(None))
    with torch.no_grad():
        guesses = copy.deepcopy(model).eval()(batch.x).argmax(dim=1).tolist()
    right = [g == y for g, y in zip(guesses, batch.y.tolist(), strict=True) if y in classes]
    return 1 - sum(right) / len(right)


def test_rewinding_returns_the_epoch_nearest_to_held_out_error() -> None:
    chosen = set()
    for seed in range(6):
        sets = make_sets(30, 30)
        sets["forget"].y[:] = sets["forget"].y % 2  # so that one class of validation does not count
        sets["validation"] = make_sets(1, 60)["retain"]
        model = NETWORKS["conv_net"]()
        settings = {**SETTINGS, "epochs": 5, "msteps": 3, "learning_rate": 0.3}
        by_epoch = [
            watch("scrub", model, {**settings, "epochs": e}, sets=sets, seed=seed)[0] for e in range(1, 6)
        ]
        wanted = error(by_epoch[-1], sets["validation"], {0, 1})
        gaps = [abs(error(m, sets["forget"], {0, 1}) - wanted) for m in by_epoch]
        rewound, _, task = watch("scrub", model, {**settings, "rewind": True}, sets=sets, seed=seed)
        assert_same(rewound, by_epoch[gaps.index(min(gaps))], tolerance=0)
        assert task.drawn()["validation"] == 60
        chosen.add(gaps.index(min(gaps)))
    assert len(chosen) > 1, "the control: it is not always the same epoch"
    assert chosen - {4}, "nor always the last"


def test_without_rewinding_validation_is_not_seen() -> None:
    sets = {**make_sets(), "validation": make_sets()["retain"]}
    _, _, task = watch("scrub", NETWORKS["two_layer"](), SETTINGS, sets=sets)
    assert set(task.drawn()) == {"forget", "retain"}


def test_the_original_is_where_the_divergence_has_no_slope() -> None:
    """Without cross-entropy and BatchNorm, ascent on the divergence never starts."""
    model = NETWORKS["two_layer"]()
    settings = {**SETTINGS, "weight_decay": 0.0}
    still, _, _ = watch("scrub", model, {**settings, "gamma": 0.0})
    assert distance(still, model) < 1e-12
    moved, _, _ = watch("scrub", model, settings)
    assert distance(moved, model) > 1e-3


def test_it_unlearns_forget_and_keeps_retain() -> None:
    sets = make_sets(12, 30)
    everything = make_sets(42, 1)["forget"]
    model = memorise(NETWORKS["two_layer"](), everything, 1000)
    settings = {**SETTINGS, "gamma": 1.0, "alpha": 0.1, "epochs": 8, "msteps": 5, "learning_rate": 0.05}
    before = {name: error(model, samples, {0, 1, 2}) for name, samples in sets.items()}
    unlearned, _, _ = watch("scrub", model, settings, sets=sets)
    after = {name: error(unlearned, samples, {0, 1, 2}) for name, samples in sets.items()}
    assert max(before.values()) < 0.05, "the control: nearly all was known by heart"
    assert after["forget"] > 0.4
    assert after["retain"] < 0.2
