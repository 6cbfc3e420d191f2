"""The text objective: that of images on token ids, without inputs that can be moved a little."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.data.text import TextSamples
from reunlearn.models.registry import build
from reunlearn.objectives import classification, text
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make

CLASSES, VOCABULARY, LENGTH, COUNT = 4, 40, 10, 60
SETTINGS = {"width": 16, "depth": 1, "heads": 2, "dropout": 0.0}
ADAM: dict[str, Any] = {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 16}
METHODS: list[tuple[str, str | None, dict[str, Any]]] = [
    ("finetune", None, {**ADAM, "epochs": 2}),
    ("gradient_ascent", None, {**ADAM, "epochs": 2}),
    ("random_labels", "paper", {**ADAM, "epochs": 2}),
    ("random_labels", "code", {**ADAM, "epochs": 2}),
    ("salun", "paper", {**ADAM, "epochs": 2}),
    ("salun", "code", {**ADAM, "epochs": 2}),
    ("gdr_gma", "paper", {**ADAM, "epochs": 2}),
    ("gdr_gma", "code", {**ADAM, "epochs": 2}),
    ("sfr_on", "paper", {**ADAM, "steps": 6}),
    ("sfr_on", "code", {**ADAM, "steps": 6}),
    ("nabla_tau", None, {**ADAM, "epochs": 2}),
    ("lur", None, {**ADAM, "epochs": 2}),
]


def texts(index_N: np.ndarray) -> TextSamples:
    """Return random texts, of which class `index % CLASSES` can be learnt by heart only."""
    generator = np.random.default_rng(0)
    x_NL = generator.integers(4, VOCABULARY, (COUNT, LENGTH)).astype(np.uint16)
    x_NL[np.arange(LENGTH) >= generator.integers(3, LENGTH + 1, COUNT)[:, None]] = 0
    return TextSamples(x_NL[index_N], index_N % CLASSES, index_N, group_by_length=True)


def network() -> nn.Module:
    return build(
        ArchitectureSpec(name="small_transformer", settings=SETTINGS), (LENGTH, VOCABULARY), CLASSES, 0
    )


@pytest.fixture(scope="module")
def original() -> nn.Module:
    """A network that knows its texts by heart."""
    recipe = Recipe(epochs=60, batch_size=8, optimizer="adam", learning_rate=3e-3)
    model = network()
    train(model, texts(np.arange(50)), text.make(CLASSES), recipe, seed=0)
    return model


def loss_of(model: nn.Module, samples: TextSamples) -> float:
    """Return the mean loss on a set."""
    objective, batch = text.make(CLASSES), samples.take(slice(None))
    with torch.no_grad():
        return objective.loss(model.eval(), batch, batch.y).item()


def test_it_gives_all_but_inputs_that_can_be_moved() -> None:
    given = {"outputs", "forget_target", "head", "deterministic"}
    assert text.make(3).capabilities == given
    assert classification.make(3).capabilities == given | {"pixels"}


def test_the_loss_is_the_cross_entropy_of_the_logits() -> None:
    objective, model, batch = text.make(CLASSES), network(), texts(np.arange(7)).take(slice(None))
    draw = objective.draw(batch, torch.Generator())
    log_p_BK = model(batch.x).log_softmax(1)
    losses_B = objective.per_sample_loss(model, batch, draw)
    torch.testing.assert_close(losses_B, -log_p_BK[torch.arange(7), batch.y])
    torch.testing.assert_close(objective.loss(model, batch, draw), losses_B.mean())
    torch.testing.assert_close(objective.outputs(model, batch), model(batch.x))
    assert objective.head(model) is model.head


def test_smoothed_labels_are_torchs() -> None:
    model, batch = network(), texts(np.arange(7)).take(slice(None))
    smoothed = text.make(CLASSES, 0.3).loss(model, batch, batch.y)
    torch.testing.assert_close(
        smoothed, functional.cross_entropy(model(batch.x), batch.y, label_smoothing=0.3)
    )
    assert not torch.allclose(smoothed, text.make(CLASSES).loss(model, batch, batch.y))


def test_other_labels_are_never_the_true_one() -> None:
    y_N = torch.arange(400) % CLASSES
    batch = Batch(torch.ones(400, 2, dtype=torch.int64), y_N, y_N)
    wrong = text.make(CLASSES).forget_target(batch, "other_label", torch.Generator().manual_seed(0))
    assert not (wrong == y_N).any()
    free = text.make(CLASSES).forget_target(batch, "random_label", torch.Generator().manual_seed(0))
    assert (free == y_N).any()
    assert wrong.min() == free.min() == 0
    assert wrong.max() == free.max() == CLASSES - 1


@pytest.mark.parametrize(("name", "reading", "settings"), METHODS, ids=lambda value: str(value)[:12])
def test_methods_that_need_gradients_only_run_on_texts(
    original: nn.Module, name: str, reading: str | None, settings: dict[str, Any]
) -> None:
    method_card = card(name)
    assert set(method_card.capabilities) <= text.make(CLASSES).capabilities
    sets = {"forget": np.arange(15), "retain": np.arange(15, 50), "validation": np.arange(50, 60)}
    declared = {s for s in sets if getattr(method_card.needs, s)}
    runs = []
    for _ in range(2):
        samples = {s: texts(index_N) for s, index_N in sets.items()}
        task = Task(samples, declared, text.make(CLASSES), CLASSES, seed=0)
        runs.append(make(name, reading, settings).unlearn(copy.deepcopy(original), task))
    first, again = (model.state_dict() for model in runs)
    assert all(torch.equal(first[key], value) for key, value in again.items())
    assert all(value.isfinite().all() for value in first.values())
    assert any(not torch.equal(first[key], value) for key, value in original.state_dict().items())


def test_ascent_raises_the_loss_of_forgotten_texts(original: nn.Module) -> None:
    forget = texts(np.arange(15))
    task = Task({"forget": forget}, {"forget"}, text.make(CLASSES), CLASSES, seed=0)
    model = make("gradient_ascent", None, {**ADAM, "epochs": 4}).unlearn(copy.deepcopy(original), task)
    assert loss_of(original, forget) < 0.3, "the control: they were known by heart"
    assert loss_of(model, forget) > 1.0
