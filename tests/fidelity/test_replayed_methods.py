"""Methods that take back what the training did equal their references."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.objectives.classification import Classification
from reunlearn.study.schema import Recipe
from reunlearn.training.checkpoint import save_model
from reunlearn.training.loop import train
from reunlearn.training.state import batch_updates
from reunlearn.training.state.initial_weights import FILE
from tests.training.state.requests import request

from .harness import CLASSES, NETS, Drawn, Noted, Run, assert_equal, fresh_network, make_sets, run
from .mutations import Mutation
from .references import amnesiac as amnesiac_reference
from .references import unrolling_sgd as unrolling_reference

METHOD = "reunlearn.unlearning.methods."
STATE = "reunlearn.training.state."
TRAINING = {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4}
RECIPE = Recipe(source="tests", epochs=3, batch_size=3, **TRAINING).model_dump(mode="json")
FEW = {"forget": 2}  # so that some batches hold none of them


def training_set(kind: str, notes: list[Drawn]) -> Noted:
    """Return forget and retain together."""
    sets = make_sets(kind, notes, FEW)
    whole = copy.copy(sets["retain"])
    for part in ("x_NHWC", "y", "index"):
        setattr(whole, part, torch.cat([getattr(sets[name], part) for name in ("forget", "retain")]))
    assert isinstance(whole, Noted)
    return whole


def compare_amnesiac(kind: str, reading: str) -> None:
    """Train, replay and watch as the stages do; the reference trains by hand on the same batches."""
    trained: list[Drawn] = []
    original = fresh_network(kind, 7)
    train(original, training_set(kind, trained), Classification(CLASSES), RECIPE, seed=3)
    with TemporaryDirectory() as name:
        folder, samples = Path(name), training_set(kind, [])
        more: dict[str, Any] = {"start": lambda seed: fresh_network(kind, 7), "recipe": RECIPE}
        batch_updates.write(
            request(folder, original, samples, CLASSES, seed=3, forget=np.arange(FEW["forget"]), **more)
        )
        settings = {"epochs": 2, "batch_size": 4, "learning_rate": 0.02}
        state = {"batch_updates": folder}
        ours = run(f"amnesiac@{reading}", kind, settings, sizes=FEW, model=original, state=state)
    data = {"samples": [d.index.tolist() for d in trained]}
    touched = [bool(set(range(FEW["forget"])) & set(index)) for index in data["samples"]]
    assert 0 < sum(touched) < len(touched)
    by_hand = fresh_network(kind, 7)
    batches = [(d.x, d.y) for d in trained]
    data["updates"] = amnesiac_reference.record(by_hand, batches, **TRAINING)
    for a, b in zip(by_hand.parameters(), original.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    data["repair"] = [(d.x, d.y) for d in ours.of("retain")]
    expected = amnesiac_reference.reference(
        copy.deepcopy(original),
        data,
        forget_indices=range(FEW["forget"]),
        optimizer="sgd",
        learning_rate=0.02,
        momentum=0.9,
        weight_decay=5e-4,
    )
    assert_equal(ours, expected)


def unrolled(kind: str, reading: str, **settings: Any) -> tuple[Run, nn.Module]:
    """Return our run, and the network that training started from."""
    start = fresh_network(kind, 7)
    recipe = {"epochs": 3, "learning_rate": 0.02, "batch_size": 4}
    with TemporaryDirectory() as folder:
        save_model(start, Path(folder) / FILE)
        state = {"initial_weights": Path(folder)}
        return run(f"unrolling_sgd@{reading}", kind, settings, recipe=recipe, state=state), start


def compare_unrolling_sum(kind: str) -> None:
    """At the final weights in training mode; rate, epochs and batch size are the original's."""
    ours, _ = unrolled(kind, "code", scaling="sum")
    batches = [(d.x, d.y) for d in ours.of("forget")]
    assert [len(y) for _, y in batches] == [4, 2]
    expected = unrolling_reference.reference(
        copy.deepcopy(ours.before), {"forget": batches}, epochs=3, learning_rate=0.02, train_mode=True
    )
    seen = copy.deepcopy(
        ours.before
    ).train()  # the statistics follow, which the reference leaves to its caller
    for x, _ in batches:
        seen(x)
    for moved, buffer in zip(seen.buffers(), expected.buffers(), strict=True):
        buffer.copy_(moved)
    assert_equal(ours, expected)


def compare_unrolling_paper(kind: str) -> None:
    """At the initial weights in evaluation mode: nothing but the step."""
    ours, start = unrolled(kind, "paper", bn_mode="eval", epochs=5, learning_rate=0.01)
    expected = unrolling_reference.reference(
        copy.deepcopy(ours.before),
        {"forget": [(d.x, d.y) for d in ours.of("forget")]},
        epochs=5,
        learning_rate=0.01,
        gradient_at=start,
    )
    assert_equal(ours, expected)


def compare_unrolling_code(kind: str, size: int, combine: str) -> None:
    """Batches of one size averaged are the mean over all samples; one batch is the released code's."""
    ours, _ = unrolled(kind, "code", bn_mode="eval", batch_size=size)
    expected = unrolling_reference.reference(
        copy.deepcopy(ours.before),
        {"forget": [(d.x, d.y) for d in ours.of("forget")]},
        epochs=3,
        learning_rate=0.02,
        combine=combine,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "amnesiac@paper": partial(compare_amnesiac, reading="paper"),
    "amnesiac@code": partial(compare_amnesiac, reading="code"),
    "unrolling_sgd@paper": compare_unrolling_paper,
    "unrolling_sgd@code": partial(compare_unrolling_code, size=6, combine="first_batch"),
    "unrolling_sgd@code, two batches": partial(compare_unrolling_code, size=3, combine="mean"),
    "unrolling_sgd@code, sum": compare_unrolling_sum,
}

MUTATIONS: dict[str, Mutation] = {
    "amnesiac@paper": (STATE + "batch_updates", "if not held or", "if held or"),
    "amnesiac@code": (METHOD + "amnesiac", "any(part in name", "all(part in name"),
    "unrolling_sgd@paper": (
        METHOD + "unrolling_sgd",
        'chosen(self, "at") == "initial"',
        'chosen(self, "at") != "initial"',
    ),
    "unrolling_sgd@code": (METHOD + "unrolling_sgd", "alpha=length", "alpha=-length"),
    "unrolling_sgd@code, two batches": (METHOD + "unrolling_sgd", "length /= task", "length *= task"),
    "unrolling_sgd@code, sum": (METHOD + "unrolling_sgd", 'scaling") == "mean', 'scaling") != "mean'),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
