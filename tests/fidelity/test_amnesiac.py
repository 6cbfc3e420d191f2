"""Amnesiac machine learning: ours equals the reference in both readings; all batches undone give the start."""

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
from reunlearn.study.recipes import Recipe
from reunlearn.training.loop import train
from reunlearn.training.state import batch_updates
from tests.training.state.requests import request

from .batches import samples
from .harness import Run, assert_equal, run
from .networks import CLASSES, NETS, fresh_network
from .recording import Drawn
from .references import amnesiac
from .references._samples import batches_of
from .sets import training_set

TRAINING = {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4}
RECIPE = Recipe(epochs=3, batch_size=3, **TRAINING)
SGD = {"name": "sgd", "momentum": 0.9, "weight_decay": 5e-4}
FEW = {"forget": 2}  # so that some batches hold none of them
GOING = np.arange(FEW["forget"])


def trained_and_unlearned(kind: str, reading: str) -> tuple[Run, nn.Module, list[Drawn]]:
    """Train, replay and watch as the stages do; return our run, the original and the training's batches."""
    trained: list[Drawn] = []
    original = fresh_network(kind, 7)
    train(original, training_set(kind, trained, FEW), Classification(CLASSES), RECIPE, seed=3)
    with TemporaryDirectory() as name:
        folder, whole = Path(name), training_set(kind, [], FEW)
        replay: dict[str, Any] = {"start": lambda seed: fresh_network(kind, 7), "recipe": RECIPE}
        batch_updates.write(request(folder, original, whole, CLASSES, seed=3, forget=GOING, **replay))
        settings = {"epochs": 2, "batch_size": 4, "learning_rate": 0.02}
        state = {"batch_updates": folder}
        ours = run(f"amnesiac@{reading}", kind, settings, sizes=FEW, model=original, state=state)
    return ours, original, trained


def compare(kind: str, reading: str) -> None:
    """The reference trains on the same batches, and so has updates of its own."""
    ours, original, trained = trained_and_unlearned(kind, reading)
    data: dict[str, Any] = {"samples": [batch.index.tolist() for batch in trained]}
    touched = [bool(set(GOING.tolist()) & set(index)) for index in data["samples"]]
    assert 0 < sum(touched) < len(touched)
    trained_again = fresh_network(kind, 7)
    batches = [(batch.x, batch.y) for batch in trained]
    data["updates"] = amnesiac.record(trained_again, batches, optimizer=SGD, learning_rate=0.05)
    for a, b in zip(trained_again.parameters(), original.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    data["repair"] = ours.batches("retain")
    expected = amnesiac.reference(
        copy.deepcopy(original), data, forget_indices=GOING.tolist(), optimizer=SGD, learning_rate=0.02
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "amnesiac@paper": partial(compare, reading="paper"),
    "amnesiac@code": partial(compare, reading="code"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_undoing_every_batch_gives_the_initial_weights() -> None:
    model = fresh_network("small_conv")
    start, batches = copy.deepcopy(model.state_dict()), batches_of(samples("small_conv", 12, 1), 4)
    momentum = {"name": "sgd", "momentum": 0.9}
    updates = amnesiac.record(model, batches, optimizer=momentum, learning_rate=0.1)
    trained = copy.deepcopy(model.state_dict())
    data = {"updates": updates, "samples": [[0, 1], [2, 3], [4, 5]], "repair": []}
    amnesiac.reference(model, data, forget_indices=[1, 3, 4], optimizer=momentum, learning_rate=0.1)
    for name, value in model.state_dict().items():
        stays = name.split(".")[-1] not in ("weight", "bias")
        torch.testing.assert_close(value, trained[name] if stays else start[name])
