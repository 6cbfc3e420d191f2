"""Runs of PGU with the training-time state that they use, in the words of its references."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.training.state import layer_inputs
from tests.training.state.requests import request

from .harness import Run, run
from .networks import CLASSES
from .recording import Drawn
from .references import pgu
from .references._core_gradient_space import full_space
from .references._losses import accuracy
from .references._samples import Batch
from .sets import Labels, training_set

SIZES = {"forget": 11, "retain": 14, "validation": 15}
EPOCHS = 8
RATES = {"two_layer": 2.0, "small_conv": 0.4}
ENERGY = {"paper": 0.4, "code": 0.7}  # removal: the code keeps one direction less
CHANCE = {"mode": "class", "random_accuracy": 1 / CLASSES, "guard_drop": 2.0}  # the guard never speaks
SPACES = {
    "paper": {"rule": "paper", "indefinite": "clamp"},
    "code": {"rule": "code", "indefinite": "absolute"},
}


def our_settings(kind: str, reading: str) -> dict[str, Any]:
    """Return ours, the same for each comparison."""
    rates = {"learning_rate": RATES[kind], "final_learning_rate": 0.3 * RATES[kind]}
    loss = {"offset": 0.07, "entropy_weight": 0.3}
    return {"epochs": EPOCHS, "batch_size": 4, "energy": ENERGY[reading], **rates, **loss}


def reference_settings(kind: str) -> dict[str, Any]:
    """Return the same in the references' words."""
    rates = {"start": RATES[kind], "end": 0.3 * RATES[kind], "schedule_epochs": EPOCHS}
    return {"offset": 0.07, "entropy_weight": 0.3, **rates}


def write_state(kind: str, model: nn.Module, folder: Path, labels: Labels = None) -> list[Batch]:
    """Write the moments of the layers' inputs; return the batches that they were taken on."""
    notes: list[Drawn] = []
    whole = training_set(kind, notes, SIZES, labels)
    layer_inputs.write(request(folder, copy.deepcopy(model), whole, CLASSES, seed=3))
    assert len(np.unique(torch.cat([batch.index for batch in notes]))) == 25
    return [(batch.x, batch.y) for batch in notes]


def pgu_run(
    kind: str, reading: str, original: nn.Module, changes: dict[str, Any], labels: Labels = None
) -> tuple[Run, list[Batch]]:
    """Return a run with these changes to our settings, and the batches that its state was taken on."""
    with tempfile.TemporaryDirectory() as folder:
        full = write_state(kind, original, Path(folder), labels)
        task_fields: dict[str, Any] = {"sizes": SIZES, "labels": labels, "model": original}
        task_fields["state"] = {"layer_inputs": Path(folder)}
        ours = run(f"pgu@{reading}", kind, our_settings(kind, reading) | changes, **task_fields)
    return ours, full


def passes(ours: Run) -> tuple[Batch, list[list[Batch]]]:
    """Return the batch on which C_f was taken and the training batches of each epoch that ours ran.

    Each epoch ends with a pass over all of forget for its accuracy, and epoch 0 is nothing else.
    """
    drawn = ours.batches("forget")
    moments = [] if ours.method.space == "retain" else [drawn.pop(0)]
    per_epoch = -(-SIZES["forget"] // ours.method.batch_size) + 1
    trained = drawn[1:]
    assert len(trained) % per_epoch == 0
    epochs = [trained[i : i + per_epoch - 1] for i in range(0, len(trained), per_epoch)]
    return (moments or drawn)[0], epochs


def data_of(ours: Run, full: list[Batch]) -> dict[str, Any]:
    """Return what the reference of a removal is given; epochs that ours did not run repeat the last one."""
    space_forget, epochs = passes(ours)
    epochs = epochs + epochs[-1:] * (EPOCHS - 1 - len(epochs))
    data = {"full": full, "space_forget": [space_forget], "forget": epochs}
    data |= {"forget_evaluation": ours.whole("forget"), "retain_evaluation": ours.whole("forget")}
    return data | ({"validation": ours.whole("validation")} if ours.drawn_from("validation") else {})


def first_not_behind(data: dict[str, Any], removed: Callable[[int], nn.Module]) -> nn.Module:
    """Return the model of the first epoch at which validation is at least as accurate as forget (paper)."""
    for epoch in range(EPOCHS):
        model = removed(epoch)
        if accuracy(model, data["validation"]) >= accuracy(model, data["forget_evaluation"]):
            break
    assert 1 < epoch < EPOCHS - 1, "the rule decides nothing"
    return model


def best_before_the_fall(validation: Batch, removed: Callable[[int], nn.Module]) -> nn.Module:
    """Return the most accurate model from epoch 1 on, up to the one that is five points below epoch 0."""
    first, models = accuracy(removed(0), validation), []
    for epoch in range(1, EPOCHS):
        models.append(removed(epoch))
        if accuracy(models[-1], validation) < first - 0.05:
            break
    accuracies = [accuracy(model, validation) for model in models]
    return models[accuracies.index(max(accuracies))]


def two_steps(kind: str, reading: str, original: nn.Module) -> tuple[Run, nn.Module]:
    """Return the second of two steps and what the reference makes of both.

    The samples of both steps are not in the moments: what they leave is indefinite.
    """
    requests, model, carried = [], original, {}
    labels = {1: {"forget": [0, 1, 2, 1, 0, 2, 1, 1, 0, 0, 2]}, 2: {"forget": [2] * 11}}
    with tempfile.TemporaryDirectory() as folder:
        full = write_state(kind, original, Path(folder))
        for step in (1, 2):
            task_fields: dict[str, Any] = {
                "scenario": {"kind": "first", "count": 6, "steps": 2, "step": step},
                "carried": carried,
                "state": {"layer_inputs": Path(folder)} if step == 1 else {},
            }
            chosen = our_settings(kind, reading) | {"stop": "chance"}
            of_step: dict[str, Any] = {"sizes": SIZES, "labels": labels[step], "model": model}
            ours = run(f"pgu@{reading}", kind, chosen, **of_step, **task_fields)
            assert len(ours.logged) > 1, "the step ended at once"
            requests.append(data_of(ours, full))
            assert ours.task is not None
            model, carried = ours.model, ours.task.carry
    given: dict[str, Any] = {**SPACES[reading], **reference_settings(kind), **CHANCE}
    given |= {"gamma": ENERGY[reading], "space": full_space(original, full)}
    return ours, pgu.reference_incremental(copy.deepcopy(original), requests, **given)
