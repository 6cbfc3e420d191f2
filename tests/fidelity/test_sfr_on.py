"""SFR-on: ours equals the reference, the released reading in all, the paper's where the reference can follow it.

What the reference can follow of the paper: a plain forget step is one of an optimizer without momentum and decay;
weights over the whole set are those of a batch that holds it, where neither augmentation nor BatchNorm makes
evaluation mode another; slow weights after each inner loop are those after each step where a loop has one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from .closed_forms import PAIR, X_F, X_R, Weights, direction, one, slope
from .harness import Run, assert_equal, paired, run
from .networks import NETS
from .references import finetune, neg_grad, sfr_on
from .references._samples import joined
from .sets import fitted

SIZES = {"forget": 8, "retain": 11}  # 3 and 4 batches of 3, the last ones short
STEPS = 7
SETTINGS = {
    "steps": STEPS,
    "batch_size": 3,
    "learning_rate": 0.02,
    "inner_period": 2,
    "ascent": 3.0,
    "forget_clip": 0.8,
}
# the same in the reference's words
GIVEN = {"every": 2, "ascent": 3.0, "loss_power": 0.5, "clip_norm": 0.8, "epsilon_in": "power"}
GIVEN |= {"learning_rate": 0.02}


def run_with(kind: str, reading: str, changes: dict[str, Any]) -> Run:
    """Run SFR-on with these changes to SETTINGS."""
    return run(f"sfr_on@{reading}", kind, SETTINGS | changes, sizes=SIZES, model=fitted(kind, SIZES))


def compare(
    kind: str, reading: str, changes: dict[str, Any] | None = None, **reference_settings: Any
) -> None:
    """Seven retain steps and four forget steps; `changes` to our settings, `reference_settings` to the reference.

    The mask is taken on augmented batches, forget first: they are the first that ours draws.
    """
    ours = run_with(kind, reading, changes or {})
    batches = {name: ours.batches(name) for name in ("forget", "retain")}
    masks: dict[str, Any] = {"mask_forget": None, "mask_retain": None}
    if ours.method.saliency:
        for name, count in (("forget", 3), ("retain", 4)):
            seen, batches[name] = batches[name][:count], batches[name][count:]
            # by the paper the mean gradient of the set is squared: one batch of it all
            masks[f"mask_{name}"] = [joined(seen)] if reading == "paper" else seen
    steps: list[Any] = [(None, None, x, y) for x, y in batches["retain"]]
    assert len(steps) == STEPS
    for t, batch in zip(range(0, STEPS, 2), batches["forget"], strict=True):
        steps[t] = (*batch, *steps[t][2:])
    given = {"optimizer": ours.optimizer(), **GIVEN, **masks, **reference_settings}
    assert_equal(ours, sfr_on.reference(ours.original(), steps, **given))


def compare_set_weights_and_slow_weights(kind: str) -> None:
    """All of the paper's reading, with the forget set in one batch."""
    whole = {"batch_size": 20, "inner_period": 1, "momentum": 0.0, "weight_decay": 0.0, "outer_lr": 0.6}
    ours = run_with(kind, "paper", whole | {"augmented": False, "bn_mode": "eval"})
    forget, retain = ours.drawn_from("forget"), ours.drawn_from("retain")
    assert len(forget) == 1 + 2 * STEPS, "the mask, then in each step a batch and a pass for its weights"
    changes = {"every": 1, "ascent_decay": "linear", "slow_step": 0.6, "mode": "bn_eval"}
    expected = sfr_on.reference(
        ours.original(),
        paired(forget[1::2], retain[1:]),
        mask_forget=[(forget[0].x, forget[0].y)],
        mask_retain=[(retain[0].x, retain[0].y)],
        optimizer=ours.optimizer(),
        **{**GIVEN, **changes},
    )
    assert_equal(ours, expected)


def compare_euclidean(kind: str) -> None:
    """Neither (S), (F) nor (R-on): the joint step is that of NegGrad, with a falling rate, as its reference has it."""
    off = {"saliency": False, "adaptive": False, "online": False, "forget_clip": 0.0}
    ours = run_with(kind, "code", off | {"inner_period": 1, "ascent_schedule": "constant", "ascent": 0.4})
    expected = neg_grad.reference(
        ours.original(),
        [paired(ours.drawn_from("forget"), ours.drawn_from("retain"))],
        optimizer=ours.optimizer(),
        learning_rates=[[0.01 * (1 + math.cos(math.pi * t / STEPS)) for t in range(STEPS)]],
        forget_weight=0.4,
        forward_order="forget_first",
    )
    assert_equal(ours, expected)


CODE, PAPER = partial(compare, reading="code"), partial(compare, reading="paper", ascent_decay="linear")
PLAIN_STEPS = {"momentum": 0.0, "weight_decay": 0.0, "normalised_over": "batch"}
COMPARISONS: dict[str, Callable[[str], None]] = {
    "sfr_on@code": CODE,
    "sfr_on@code: adamw": partial(CODE, changes={"optimizer": "adamw", "weight_decay": 0.05}),
    "sfr_on@code: not clipped": partial(
        CODE, changes={"forget_clip": 0.0, "ascent": 0.5}, clip_norm=None, ascent=0.5
    ),
    "sfr_on@code: slow weights": partial(CODE, changes={"outer_lr": 0.3}, slow_step=0.3),
    "sfr_on@code: without saliency": partial(CODE, changes={"saliency": False}),
    "sfr_on@code: sharper mask": partial(CODE, changes={"saliency_ratio": 2.5}, mask_threshold=2.5),
    "sfr_on@code: uniform": partial(CODE, changes={"adaptive": False}, loss_power=0.0),
    "sfr_on@code: constant rate": partial(CODE, changes={"schedule": "constant"}, learning_rate_decay="none"),
    "sfr_on@code: frozen statistics": partial(CODE, changes={"bn_mode": "eval"}, mode="bn_eval"),
    "sfr_on@code: not online": compare_euclidean,
    "sfr_on@paper: batches": partial(PAPER, changes=PLAIN_STEPS),
    "sfr_on@paper: whole set": compare_set_weights_and_slow_weights,
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


SFR: dict[str, Any] = {"every": 1, "ascent": 4.0, "loss_power": 0.5, "optimizer": {"name": "sgd"}}
NO_MASK: dict[str, Any] = {"mask_forget": None, "mask_retain": None}


def test_weights_of_samples_in_closed_form() -> None:
    losses = torch.tensor([1.0, 4.0]).double().requires_grad_()
    total = sfr_on.weighted_loss(losses, 0.5, "loss")
    total.backward()
    assert losses.grad is not None
    assert float(total.detach()) == pytest.approx(2.0)
    assert losses.grad.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert sfr_on.half_cosine(4.0, 1, 3) == pytest.approx(3.0)


def test_a_step_ascends_then_descends_and_averages() -> None:
    settings: dict[str, Any] = {"learning_rate": 0.1, "slow_step": 0.25, "clip_norm": 0.5, **SFR, **NO_MASK}
    result = sfr_on.reference(Weights(1.0), PAIR[0], **settings)
    ascent = -4.0 * slope(1.0, X_F)
    assert abs(ascent) > 0.5
    fast = 1.0 - 0.1 * ascent * 0.5 / (abs(ascent) + 1e-6)
    fast -= 0.1 * slope(fast, X_R)
    assert result.values() == pytest.approx([0.75 * 1.0 + 0.25 * fast], rel=1e-13)


def test_the_mask_compares_mean_squared_batch_gradients() -> None:
    """F_f = (1, 1), F_r = (mean of 4 and 0, mean of 0 and 1) at w = 0: only the second weight ascends."""
    forget, retain = [one(2.0, 2.0)], [one(4.0, 0.0), one(0.0, 2.0)]
    steps = [(*one(2.0, 2.0), *one(0.0, 0.0))]
    settings: dict[str, Any] = {"learning_rate": 0.1, "clip_norm": None, **SFR}
    result = sfr_on.reference(Weights(0.0, 0.0), steps, mask_forget=forget, mask_retain=retain, **settings)
    torch.testing.assert_close(direction(result), torch.tensor([0.0, 4.0]).double())


def test_without_ascent_it_is_fine_tuning_on_a_cosine() -> None:
    steps = [(*one(3.0), *one(1.0)), (None, None, *one(-2.0))]
    settings: dict[str, Any] = {**SFR, "ascent": 0.0, "every": 2, "learning_rate": 0.2, **NO_MASK}
    result = sfr_on.reference(Weights(1.0), steps, **settings)
    rates = {"optimizer": {"name": "sgd"}, "learning_rates": [0.2, 0.1]}
    expected = finetune.reference(Weights(1.0), [[one(1.0)], [one(-2.0)]], **rates)
    assert result.values() == pytest.approx(expected.values(), rel=1e-14)
