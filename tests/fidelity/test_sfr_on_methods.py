"""SFR-on equals its reference: the released reading in all, the paper's where the reference can follow it.

What the reference can follow of the paper: a plain forget step is one of an optimizer without momentum and decay;
weights over the whole set are those of a batch that holds it, where neither augmentation nor BatchNorm makes
evaluation mode another; slow weights after each inner loop are those after each step where a loop has one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from .fitted import fitted
from .harness import NETS, Run, assert_equal, run
from .mutations import Mutation
from .references import neg_grad, sfr_on

MODULE = "reunlearn.unlearning.methods.sfr_on"
SIZES = {"forget": 8, "retain": 11}  # 3 and 4 batches of 3, the last ones short
STEPS = 7
SETTINGS = {
    "steps": STEPS,
    "batch_size": 3,
    "learning_rate": 0.02,
    "inner_period": 2,
    "ascent": 3.0,
    "clip": 0.8,
}
TOLD = {"every": 2, "ascent": 3.0, "loss_power": 0.5, "clip_norm": 0.8, "epsilon_in": "power"}


def started(kind: str, reading: str, changes: dict[str, Any]) -> Run:
    """Run SFR-on with these changes to SETTINGS."""
    return run(f"sfr_on@{reading}", kind, SETTINGS | changes, SIZES, model=fitted(kind, SIZES))


def compare(kind: str, reading: str, changes: dict[str, Any] | None = None, **told: Any) -> None:
    """Seven retain steps and four forget steps; `changes` to our settings, `told` to the reference.

    The mask is taken on augmented batches, forget first: they are the first that ours draws.
    """
    ours = started(kind, reading, changes or {})
    batches = {name: ours.of(name) for name in ("forget", "retain")}
    masks: dict[str, Any] = {"mask_forget": None, "mask_retain": None}
    if ours.method.saliency:
        for name, count in (("forget", 3), ("retain", 4)):
            seen, batches[name] = batches[name][:count], batches[name][count:]
            masks[f"mask_{name}"] = [(d.x, d.y) for d in seen]
            if reading == "paper":  # the mean gradient of the set is squared: one batch of it all
                masks[f"mask_{name}"] = [(torch.cat([d.x for d in seen]), torch.cat([d.y for d in seen]))]
    steps: list[Any] = [(None, None, d.x, d.y) for d in batches["retain"]]
    assert len(steps) == STEPS
    for t, d in zip(range(0, STEPS, 2), batches["forget"], strict=True):
        steps[t] = (d.x, d.y, *steps[t][2:])
    original, given = copy.deepcopy(ours.before), {"learning_rate": 0.02, **TOLD, **masks, **told}
    assert_equal(ours, sfr_on.reference(original, [steps], optimizer=ours.optimizer(), **given))


def compare_set_weights_and_slow_weights(kind: str) -> None:
    """All of the paper's reading, with the forget set in one batch."""
    whole = {"batch_size": 20, "inner_period": 1, "momentum": 0.0, "weight_decay": 0.0, "outer_lr": 0.6}
    ours = started(kind, "paper", whole | {"augmented": False, "bn_mode": "eval"})
    forget, retain = ours.of("forget"), ours.of("retain")
    assert len(forget) == 1 + 2 * STEPS, "the mask, then in each step a batch and a pass for its weights"
    steps = [(f.x, f.y, r.x, r.y) for f, r in zip(forget[1::2], retain[1:], strict=True)]
    told = TOLD | {"every": 1, "ascent_decay": "linear", "slow_step": 0.6, "mode": "bn_eval"}
    expected = sfr_on.reference(
        copy.deepcopy(ours.before),
        [steps],
        mask_forget=[(forget[0].x, forget[0].y)],
        mask_retain=[(retain[0].x, retain[0].y)],
        optimizer=ours.optimizer(),
        learning_rate=0.02,
        **told,
    )
    assert_equal(ours, expected)


def compare_euclidean(kind: str) -> None:
    """Neither (S), (F) nor (R-on): the joint step is that of NegGrad, with a falling rate, as its reference has it."""
    off = {"saliency": False, "adaptive": False, "online": False, "clip": 0.0}
    ours = started(kind, "code", off | {"inner_period": 1, "ascent_schedule": "constant", "ascent": 0.4})
    pairs = zip(ours.of("forget"), ours.of("retain"), strict=True)
    expected = neg_grad.reference(
        copy.deepcopy(ours.before),
        [[(f.x, f.y, r.x, r.y) for f, r in pairs]],
        optimizer=ours.optimizer(),
        learning_rates=[[0.01 * (1 + math.cos(math.pi * t / STEPS)) for t in range(STEPS)]],
        forget_weight=0.4,
        forward_order="forget_first",
    )
    assert_equal(ours, expected)


CODE, PAPER = partial(compare, reading="code"), partial(compare, reading="paper", ascent_decay="linear")
PLAIN = {"momentum": 0.0, "weight_decay": 0.0, "normalised_over": "batch"}
COMPARISONS: dict[str, Callable[[str], None]] = {
    "sfr_on@code": CODE,
    "sfr_on@code:adamw": partial(CODE, changes={"optimizer": "adamw", "weight_decay": 0.05}),
    "sfr_on@code:not clipped": partial(
        CODE, changes={"clip": 0.0, "ascent": 0.5}, clip_norm=None, ascent=0.5
    ),
    "sfr_on@code:slow weights": partial(CODE, changes={"outer_lr": 0.3}, slow_step=0.3),
    "sfr_on@code:without saliency": partial(CODE, changes={"saliency": False}),
    "sfr_on@code:sharper mask": partial(CODE, changes={"saliency_ratio": 2.5}, mask_threshold=2.5),
    "sfr_on@code:uniform": partial(CODE, changes={"adaptive": False}, loss_power=0.0),
    "sfr_on@code:constant rate": partial(CODE, changes={"schedule": "constant"}, learning_rate_decay="none"),
    "sfr_on@code:frozen statistics": partial(CODE, changes={"bn_mode": "eval"}, mode="bn_eval"),
    "sfr_on@code:not online": compare_euclidean,
    "sfr_on@paper:batches": partial(PAPER, changes=PLAIN),
    "sfr_on@paper:whole set": compare_set_weights_and_slow_weights,
}

MUTATIONS: dict[str, Mutation] = {
    "sfr_on@code": (MODULE, "parameter.grad *= mask", "parameter.grad *= ~mask"),
    "sfr_on@code:slow weights": (
        MODULE,
        "weights.lerp_(parameter, rate)",
        "weights.lerp_(parameter, 1 - rate)",
    ),
    "sfr_on@code:not online": (MODULE, "if self.online or step % self.inner_period:", "if True:"),
    "sfr_on@paper:batches": (MODULE, "(len(batch) / len(samples))", "(1 / samples.steps(self.batch_size))"),
    "sfr_on@paper:whole set": (MODULE, '"linear": 1.0', '"linear": 2.0'),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
