"""Methods that ask for the loss and for wrong labels only run unchanged on another kind of task."""

from __future__ import annotations

import copy
import dataclasses
import functools
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.study.cards import Reading
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train
from reunlearn.unlearning.registry import card
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make

CLASSES = 10
# few timesteps, and another class taught by its label: a network of two layers learns this
OBJECTIVE = NoisePrediction(
    CLASSES, timesteps=50, beta_start=0.001, beta_end=0.15, label_drop=0.0, relabelled="noise"
)
FORGOTTEN = 3  # the digit to forget
OTHERS = tuple(k for k in range(CLASSES) if k != FORGOTTEN)
RECIPE = Recipe(optimizer="adam", learning_rate=4e-3, schedule="cosine", epochs=120, batch_size=64)
ADAM: dict[str, Any] = {"optimizer": "adam", "weight_decay": 0.0, "batch_size": 64}
RELABELLED: dict[str, Any] = {**ADAM, "epochs": 20, "learning_rate": 3e-3, "schedule": "cosine"}
SETTINGS: dict[str, dict[str, Any]] = {
    "finetune": {**ADAM, "epochs": 40, "learning_rate": 3e-3, "schedule": "cosine"},
    "sfr_on": {**ADAM, "steps": 400, "learning_rate": 2e-3, "inner_period": 10},
    "gradient_ascent": {**ADAM, "epochs": 5, "learning_rate": 3e-4},
    "random_labels": RELABELLED,
    "salun": RELABELLED,
}
LOSS_ONLY = ("finetune", "sfr_on", "gradient_ascent")


def digits(*kinds: int) -> Samples:
    """Return the images of these digits among the first 600."""
    bunch = load_digits()
    labels_N = bunch.target[:600].astype(np.int64)
    rows = np.flatnonzero(np.isin(labels_N, kinds))
    x = (bunch.images[rows, None] * 15).astype(np.uint8)
    return ImageSamples(x, labels_N[rows], rows, (0.5,), (0.5,))


@functools.cache
def original() -> nn.Module:
    """Return a denoiser trained on all digits."""
    model = build(
        ArchitectureSpec(name="small_denoiser", settings={"timesteps": 50}), (1, 8, 8), CLASSES, seed=0
    )
    train(model, digits(*range(CLASSES)), OBJECTIVE, RECIPE, seed=0)
    return model


@torch.no_grad()
def loss_of(model: nn.Module, samples: Samples) -> float:
    """Return the mean loss over several fixed draws of noise and timestep."""
    objective, generator = OBJECTIVE, torch.Generator().manual_seed(99)
    batch = samples.take(slice(None))
    losses = [objective.loss(model.eval(), batch, objective.draw(batch, generator)) for _ in range(16)]
    return torch.stack(losses).mean().item()


@torch.no_grad()
def worth_of_the_label(model: nn.Module, samples: Samples) -> float:
    """Return the mean loss under wrong labels, divided by that under the true ones: 1 where the label tells nothing."""
    objective, generator = OBJECTIVE, torch.Generator().manual_seed(99)
    batch, wrong, true = samples.take(slice(None)), 0.0, 0.0
    for _ in range(16):
        labels = objective.forget_target(batch, "other_label", generator)
        draw = objective.draw(batch, generator)
        true += objective.loss(model.eval(), batch, draw).item()
        wrong += objective.loss(model, batch, dataclasses.replace(draw, label=labels)).item()
    return wrong / true


def unlearned(name: str, retain: tuple[int, ...] = OTHERS, **changes: Any) -> nn.Module:
    """Return what a method makes of the original."""
    sets = {"forget": digits(FORGOTTEN), "retain": digits(*retain)}
    declared = {s for s in sets if getattr(card(name).needs, s)}
    task = Task(sets, declared, OBJECTIVE, CLASSES, seed=0)
    reading: Reading | None = "code" if name == "sfr_on" else None
    return make(name, reading, {**SETTINGS[name], **changes}).unlearn(copy.deepcopy(original()), task)


def rise(name: str, retain: tuple[int, ...] = OTHERS, **changes: Any) -> tuple[float, float]:
    """Return by which factor a method changes the loss on the forgotten digit and on the others."""
    model = unlearned(name, retain, **changes)
    before, after = (
        (loss_of(m, digits(FORGOTTEN)), loss_of(m, digits(*OTHERS))) for m in (original(), model)
    )
    return after[0] / before[0], after[1] / before[1]


def test_a_draw_fixes_the_loss() -> None:
    objective, batch = OBJECTIVE, digits(FORGOTTEN).take(slice(0, 5))
    generator = torch.Generator().manual_seed(0)
    first, second = (objective.draw(batch, generator) for _ in range(2))
    losses = [objective.per_sample_loss(original(), batch, draw) for draw in (first, first, second)]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    assert losses[0].shape == (5,)
    torch.testing.assert_close(objective.loss(original(), batch, first), losses[0].mean())


def test_a_draw_holds_the_labels_to_learn() -> None:
    objective, batch = OBJECTIVE, digits(FORGOTTEN).take(slice(0, 5))
    other_B = torch.tensor([0, 1, 2, 4, 5])
    true, wrong = (
        objective.draw(batch, torch.Generator().manual_seed(0), labels) for labels in (None, other_B)
    )
    assert torch.equal(true.label, batch.y)
    assert torch.equal(wrong.label, other_B)
    assert torch.equal(true.noise, wrong.noise)
    assert torch.equal(true.timestep, wrong.timestep)
    assert 0 <= int(true.timestep.min()) <= int(true.timestep.max()) < objective.timesteps
    assert objective.loss(original(), batch, true) < objective.loss(original(), batch, wrong)


def test_labels_to_forget_by() -> None:
    objective, generator = OBJECTIVE, torch.Generator().manual_seed(0)
    y_N = torch.arange(2000) % CLASSES
    batch = Batch(torch.zeros(2000, 1, 8, 8), y_N, y_N)
    other_N, random_N = (
        objective.forget_target(batch, kind, generator) for kind in ("other_label", "random_label")
    )
    assert other_N.shape == random_N.shape == (2000,)
    assert not (other_N == y_N).any()
    assert 0.05 < (random_N == y_N).float().mean() < 0.15
    assert set(other_N.tolist()) == set(random_N.tolist()) == set(range(CLASSES))
    for kind, shift in (("next_label", 1), ("hundredth_next_label", 100)):
        next_N = objective.changed(classes=300).forget_target(batch, kind, generator)
        assert next_N.tolist() == [(label + shift) % 300 for label in y_N.tolist()]
    with pytest.raises(ValueError, match="no forget target 'anything'"):
        objective.forget_target(batch, "anything", generator)


def test_there_are_neither_class_probabilities_nor_a_head() -> None:
    objective, batch = OBJECTIVE, digits(FORGOTTEN).take(slice(0, 5))
    assert objective.capabilities == {"noise", "forget_target", "samples"}
    with pytest.raises(TypeError, match="'outputs'"):
        objective.outputs(original(), batch)
    with pytest.raises(TypeError, match="'head'"):
        objective.head(original())


@pytest.mark.parametrize("name", SETTINGS)
def test_asks_for_what_there_is(name: str) -> None:
    asked = card(name).capabilities.keys()
    assert asked <= NoisePrediction.capabilities
    assert (not asked) == (name in LOSS_ONLY)


def test_finetune_improves_what_stays_and_not_what_goes() -> None:
    forget, retain = rise("finetune")
    assert retain < 0.97
    assert forget - retain > 0.035
    control_forget, control_retain = rise("finetune", retain=tuple(range(CLASSES)))
    assert abs(control_forget - control_retain) < 0.02, "with all digits retained, both fall alike"


def test_sfr_on_raises_the_loss_of_what_goes_far_more() -> None:
    forget, retain = rise("sfr_on")
    assert forget > 2.0
    assert retain < 1.5
    control_forget, _ = rise("sfr_on", ascent=0.0)
    assert control_forget < 1.2, "without ascent there is no such rise"


def test_gradient_ascent_raises_the_loss_of_what_goes_most() -> None:
    forget, retain = rise("gradient_ascent")
    assert forget > 1.05
    assert forget - retain > 0.01
    assert rise("gradient_ascent", epochs=0) == (1.0, 1.0), "the control: without a step nothing rises"


@pytest.mark.parametrize("name", ["random_labels", "salun"])
def test_relabelling_leaves_the_label_worth_less_where_it_was_wrong(name: str) -> None:
    model = unlearned(name)
    known, others = (worth_of_the_label(original(), digits(*kinds)) for kinds in ((FORGOTTEN,), OTHERS))
    assert worth_of_the_label(model, digits(FORGOTTEN)) < 0.95 * known
    assert worth_of_the_label(model, digits(*OTHERS)) > 0.97 * others
    control = unlearned("finetune", epochs=20)
    assert worth_of_the_label(control, digits(FORGOTTEN)) > 0.98 * known, "true labels take nothing away"


@pytest.mark.parametrize(
    ("name", "few"), [("sfr_on", {"steps": 20}), ("random_labels", {"epochs": 2}), ("salun", {"epochs": 2})]
)
def test_same_seed_same_loss(name: str, few: dict[str, int]) -> None:
    assert rise(name, **few) == rise(name, **few)


def test_a_dropped_label_is_the_null_class() -> None:
    batch = digits(FORGOTTEN).take(slice(0, 40))
    objective = OBJECTIVE.changed(label_drop=0.5)
    draw = objective.draw(batch, torch.Generator().manual_seed(0))
    assert set(draw.label.tolist()) == {FORGOTTEN, objective.null}
    assert (objective.without_drop().draw(batch, torch.Generator().manual_seed(0)).label == FORGOTTEN).all()


def test_a_sample_that_is_taught_another_class_keeps_its_label() -> None:
    batch = digits(FORGOTTEN).take(slice(0, 40))
    labels = torch.where(torch.arange(40) < 20, FORGOTTEN + 1, FORGOTTEN)
    for form, kept in (("noise", FORGOTTEN + 1), ("prediction", FORGOTTEN)):
        objective = OBJECTIVE.changed(label_drop=0.9, relabelled=form)
        draw = objective.draw(batch, torch.Generator().manual_seed(0), labels)
        assert (draw.label[:20] == kept).all()
        assert (draw.label[20:] == objective.null).any()


def test_another_class_is_taught_by_imitation_without_a_gradient() -> None:
    """The loss is that to the model's own prediction under the other class, written out sample by sample."""
    model, batch = original().train(), digits(FORGOTTEN).take(slice(0, 6))
    labels = torch.tensor([FORGOTTEN + 1] * 3 + [FORGOTTEN] * 3)
    objective = OBJECTIVE.changed(relabelled="prediction")
    draw = objective.draw(batch, torch.Generator().manual_seed(0), labels)
    losses = objective.per_sample_loss(model, batch, draw)
    for row in range(6):
        kept = objective.kept[draw.timestep[row]]
        x_t = kept.sqrt() * batch.x[row] + (1 - kept).sqrt() * draw.noise[row]
        given = [x_t[None], draw.timestep[row : row + 1]]
        target = model(*given, labels[row : row + 1]).detach() if row < 3 else draw.noise[row]
        expected = (model(*given, batch.y[row : row + 1]) - target).square().mean()
        torch.testing.assert_close(losses[row], expected)


def test_guidance_is_one_forward_pass_of_both_halves() -> None:
    model, batch = original().eval(), digits(FORGOTTEN).take(slice(0, 4))
    calls = []
    hook = model.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    timestep_B, null_B = torch.full((4,), 7), torch.full((4,), CLASSES)
    guided = OBJECTIVE.changed(guidance=2.0).predict(model, batch.x, timestep_B, batch.y)
    hook.remove()
    assert calls == [8]
    expected = 3 * model(batch.x, timestep_B, batch.y) - 2 * model(batch.x, timestep_B, null_B)
    torch.testing.assert_close(guided, expected)


def test_masks_are_made_from_guided_predictions_without_drop() -> None:
    masks = OBJECTIVE.changed(mask_guidance=2.0, label_drop=0.1).for_masks()
    assert (masks.guidance, masks.label_drop) == (2.0, 0.0)


def test_the_sum_is_the_mean_times_the_values_of_an_image() -> None:
    batch = digits(FORGOTTEN).take(slice(0, 4))
    draw = OBJECTIVE.draw(batch, torch.Generator().manual_seed(0))
    mean, total = (
        objective.per_sample_loss(original(), batch, draw)
        for objective in (OBJECTIVE, OBJECTIVE.changed(loss_of="sum"))
    )
    torch.testing.assert_close(total, 64 * mean)


def test_antithetic_timesteps_come_in_pairs() -> None:
    batch = digits(FORGOTTEN).take(slice(0, 9))
    draw = OBJECTIVE.changed(antithetic=True).draw(batch, torch.Generator().manual_seed(0))
    assert (draw.timestep[:4] + draw.timestep[5:] == OBJECTIVE.timesteps - 1).all()
