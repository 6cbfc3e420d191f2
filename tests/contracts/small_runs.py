"""Runs of any method on a network that knows 34 images of noise by heart: what the contract battery is made of."""

from __future__ import annotations

import copy
import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.objectives.registry import Objective
from reunlearn.study.cards import MethodCard
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.logs import PROBES
from reunlearn.study.methods import fill, holds, state_kinds
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import Scenario, read_scenario
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train
from reunlearn.training.state.registry import card as state_card
from reunlearn.training.state.registry import write
from reunlearn.unlearning.probes import GradientProbe
from reunlearn.unlearning.progress import Place
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.series import Series
from reunlearn.unlearning.task import Task
from tests.training.state.requests import request
from tests.unlearning.making import make

# those of generators alone, which ask for samples, have no part in classification
CLASSIFYING = [name for name in plugin_names("methods") if "samples" not in card(name).capabilities]
METHODS = [(name, reading) for name in CLASSIFYING for reading in card(name).readings or [None]]
# by default they read sets in order, as they are; nothing else is random
DRAWS_NOTHING = {"ntk", "pgu", "ssd", "warnecke_first_order"}
CLASSES, TRAINING = 4, 34
SHORT = {"epochs": 2, "steps": 7, "batch_size": 8}  # for the hyper-parameters that a method has of these
OWN = {
    "ssd": {"selection": 1.0},  # by default so few weights are selected that it may be none
    "warnecke_second_order": {"passes": 5},  # by default a hundred, over a quarter of a minute each time
}
SERIES = {
    "losses": ("forget_loss", "retain_loss", "wrong_label_loss"),
    "lambda": ("lambda",),
    "conflicts": ("conflict_forget_retain",),
    "cosines": ("cosine",),
}
RECIPE = Recipe(learning_rate=0.05, weight_decay=5e-4, epochs=60, batch_size=8)

every_method = pytest.mark.parametrize(
    ("name", "reading"), METHODS, ids=[f"{n}@{f}" if f else n for n, f in METHODS]
)


class Counting(ImageSamples):
    """Samples that count what is taken from them, independently of the task."""

    taken = 0

    def take(self, rows: Any, generator: torch.Generator | None = None) -> Any:
        batch = super().take(rows, generator)
        self.taken += len(batch.y)
        return batch


def images(index_N: np.ndarray) -> Counting:
    """Return images of pure noise, of which class `index % CLASSES` can be learnt by heart only."""
    x = np.random.default_rng(100).integers(0, 256, (64, 1, 8, 8)).astype(np.uint8)
    return Counting(
        x[index_N], index_N % CLASSES, index_N, (0.5,), (0.25,), augmentation=Augmentation(("flip",))
    )


def make_sets(forget: int, retain: int, missing: int | None = None) -> dict[str, Counting]:
    """Return forget, retain (of these sizes, or forget all of class `missing`) and validation."""
    training = np.arange(forget + retain)
    forgotten = training < forget if missing is None else training % CLASSES == missing
    return {
        "forget": images(training[forgotten]),
        "retain": images(training[~forgotten]),
        "validation": images(np.arange(TRAINING, TRAINING + 11)),
    }


def network(seed: int) -> nn.Module:
    """Return a fresh network."""
    return build(ArchitectureSpec(name="small_cnn", settings={"width": 4}), (1, 8, 8), CLASSES, seed)


def result_network(name: str | None, seed: int) -> nn.Module:
    """Return a fresh network of the architecture that a method returns."""
    if name is None:
        return network(seed)
    architecture = ArchitectureSpec(name=name, settings={"body": "small_cnn", "width": 4})
    return build(architecture, (1, 8, 8), CLASSES, seed)


@functools.cache
def original() -> nn.Module:
    """Return a network that knows most of its training set by heart."""
    model = network(0)
    train(model, images(np.arange(TRAINING)), Classification(CLASSES), RECIPE, seed=0)
    return model


@functools.cache
def state_folder(kind: str, forget: tuple[int, ...], result: str | None) -> Path:
    """Return training-time state of the original and the samples to forget, as the stage would write it."""
    folder = Path(tempfile.mkdtemp(prefix=f"reunlearn-{kind}-"))
    wanted = request(
        folder,
        copy.deepcopy(original()),
        images(np.arange(TRAINING)),
        CLASSES,
        start=network,
        result=functools.partial(result_network, result),
        forget=np.array(forget),
        recipe=RECIPE,
    )
    write(kind, wanted)
    return folder


def state_folders(name: str, reading: str | None, sets: dict[str, Counting]) -> dict[str, Path]:
    """Return the folders of all the state that a method asks for."""
    method_card, forget = card(name), tuple(sets["forget"].index.tolist())
    kinds = state_kinds(method_card, settings_of(name, reading))
    return {
        kind: state_folder(kind, forget if state_card(kind).per_split else (), method_card.network)
        for kind in kinds
    }


def settings_of(name: str, reading: str | None) -> dict[str, Any]:
    """Return all hyper-parameters of a short run."""
    method_card = card(name)
    short = {key: value for key, value in SHORT.items() if key in method_card.hyperparameters}
    return fill(method_card, reading, {**short, **OWN.get(name, {})})


def scenario_of(method_card: MethodCard) -> Scenario:
    """Return a scenario that a method is for; what the sets hold is another matter."""
    kind = (method_card.scenarios or ("random",))[0]
    return read_scenario({"kind": kind, **({"classes": [1]} if kind == "class" else {"fraction": 0.5})})


def series_of(log: tuple[str, ...], sets: dict[str, Counting]) -> Series:
    """Return what notes a log, as the stage makes it."""
    kinds = [name for name in log if name in PROBES]
    probe = GradientProbe(sets["forget"], Classification(CLASSES), original(), kinds) if kinds else None
    return Series(log, probe)


def unlearn(
    name: str,
    reading: str | None,
    sets: dict[str, Counting],
    seed: int = 0,
    declared: set[str] | None = None,
    objective: Objective | None = None,
    log: tuple[str, ...] = (),
    place: Place | None = None,
) -> tuple[nn.Module, Task]:
    """Run a method on a copy of the original with the access that its card declares."""
    settings = settings_of(name, reading)
    method_card = card(name)
    if declared is None:
        declared = {s for s in (*sets, "true_labels") if holds(getattr(method_card.needs, s), settings)}
    task = Task(
        dict(sets),
        declared,
        objective or Classification(CLASSES),
        CLASSES,
        seed,
        recipe=RECIPE,
        state=state_folders(name, reading, sets),
        fresh=network,
        true_labels=torch.arange(64) % CLASSES,
        result=functools.partial(result_network, method_card.network),
        scenario=scenario_of(method_card),
        series=series_of(log, sets),
        place=place,
        log=place.history.append if place else lambda numbers: None,
    )
    return make(name, reading, settings).unlearn(copy.deepcopy(original()), task), task


def bits(model: nn.Module) -> bytes:
    """Return all weights and buffers as bytes."""
    return b"".join(t.detach().contiguous().numpy().tobytes() for t in model.state_dict().values())


def finite(model: nn.Module) -> bool:
    """Tell whether every weight and buffer is finite."""
    return all(bool(t.isfinite().all()) for t in model.state_dict().values())
