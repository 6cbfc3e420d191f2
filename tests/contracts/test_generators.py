"""What every method keeps that asks no more of its task than generators give: the same files serve them."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from reunlearn.models.registry import build
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.unlearning.progress import Place
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.task import Task
from tests.contracts.small_runs import CLASSIFYING, bits, finite, images
from tests.contracts.test_resumed import Keeper, KilledError
from tests.fidelity.harness import declared_needs
from tests.unlearning.making import make

CLASSES, FORGOTTEN, TIMESTEPS = 4, 1, 20
UNET = {"width": 4, "multipliers": "1-1", "blocks": 1, "attention": "4", "dropout": 0.0}
RECIPE = Recipe(learning_rate=0.05, weight_decay=5e-4, epochs=1, batch_size=8)
SHORT = {
    "epochs": 1,
    "steps": 2,
    "batch_size": 8,
    "passes": 2,
    "samples": 2,
    "sample_steps": 2,
    "fisher_samples": 2,
    "fisher_timesteps": 10,
}  # for the hyper-parameters that a method has of these
CAPTIONED = {"forget_me_not"}  # it steers the attention to captions


def serves(name: str) -> bool:
    """Tell whether a method asks for no more than noise prediction gives, and for no state of the training."""
    own = card(name)
    return (
        set(own.capabilities) <= NoisePrediction.capabilities and own.network is None and not own.needs.state
    )


ROWS = [
    (name, reading)
    for name in plugin_names("methods")
    if serves(name) and name not in CAPTIONED
    for reading in card(name).readings or [None]
]
every_row = pytest.mark.parametrize(
    ("name", "reading"), ROWS, ids=[f"{n}@{reading}" if reading else n for n, reading in ROWS]
)


def fresh(seed: int) -> nn.Module:
    """Return a U-Net as it is built."""
    return build(ArchitectureSpec(name="ddpm_unet", settings=UNET), (1, 8, 8), CLASSES, seed)


@functools.cache
def original() -> nn.Module:
    """Return the U-Net that forgets."""
    return fresh(0)


def unlearn(name: str, reading: str | None, seed: int, place: Place | None = None) -> nn.Module:
    """Return the U-Net after a method."""
    index = np.arange(16)
    sets: dict[str, Any] = {
        "forget": images(index[index % CLASSES == FORGOTTEN]),
        "retain": images(index[index % CLASSES != FORGOTTEN]),
        "validation": images(index + len(index)),
    }
    settings = {key: value for key, value in SHORT.items() if key in card(name).hyperparameters}
    method = make(name, reading, settings)
    objective = NoisePrediction(CLASSES, timesteps=TIMESTEPS)
    scenario = read_scenario({"kind": "class", "classes": [FORGOTTEN]})
    task = Task(
        sets,
        declared_needs(name, method),
        objective,
        CLASSES,
        seed,
        recipe=RECIPE,
        fresh=fresh,
        scenario=scenario,
        place=place,
        log=place.history.append if place else lambda numbers: None,
    )
    return method.unlearn(copy.deepcopy(original()), task)


@every_row
def test_it_changes_the_weights_and_draws_by_its_seed(name: str, reading: str | None) -> None:
    first, other = (unlearn(name, reading, seed) for seed in (3, 4))
    assert bits(first) != bits(original()), "the method changed nothing"
    assert bits(other) != bits(first), "noise is drawn in every case"
    assert finite(first)
    assert first.state_dict().keys() == original().state_dict().keys()


@pytest.mark.parametrize("name", sorted({name for name, _ in ROWS} - set(CLASSIFYING)))
def test_one_that_serves_generators_alone_goes_on_where_it_was_killed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reunlearn.unlearning.progress.COST", np.inf)
    keeper = Keeper(monkeypatch)
    whole = unlearn(name, None, 3, Place(tmp_path / "whole", "key", [], seconds=0.0))
    assert keeper.count
    keeper.count, keeper.last = 0, 1
    with pytest.raises(KilledError):
        unlearn(name, None, 3, Place(tmp_path / "killed", "key", [], seconds=0.0))
    resumed = unlearn(name, None, 3, Place(tmp_path / "killed", "key", [], seconds=0.0))
    assert bits(resumed) == bits(whole)
