"""∇τ: ours equals the reference; the reference's step, its decays and its level are known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.nn import functional

from .closed_forms import PAIR, X_F, X_R, Weights, loss, one, slope
from .harness import assert_equal, paired, run
from .networks import NETS
from .references import nabla_tau
from .sets import fitted

SIZES = {"forget": 11, "retain": 14}  # 4 and 5 batches of 3, the last ones short


def compare(
    kind: str, classes: str = "forget", changes: dict[str, Any] | None = None, **reference_settings: Any
) -> None:
    """Three passes over retain, 15 steps of which the last forget epoch has three; two classes are forgotten.

    The header of ours says that decays end in the last step, and which validation samples L_v is taken over.

    Args:
        kind: network.
        classes: of the validation samples that L_v is taken over: "forget" or "all".
        changes: to our settings.
        reference_settings: to the reference.
    """
    labels = {"forget": [0, 1] * 5 + [0]}
    settings = {"epochs": 3, "batch_size": 3, "learning_rate": 0.01, "validation_classes": classes}
    original = fitted(kind, SIZES, labels, steps=150)
    ours = run("nabla_tau", kind, settings | (changes or {}), sizes=SIZES, labels=labels, model=original)
    forget = ours.drawn_from("forget")
    measured = len([batch for batch in forget if not batch.augmented])
    steps = paired(forget[measured:], ours.drawn_from("retain"))
    assert len(steps) == 15
    x, y = ours.whole("validation")
    chosen = torch.tensor([classes == "all" or int(label) in (0, 1) for label in y])
    assert 0 < int(chosen.sum()) < len(y) or classes == "all"
    given = {"alpha": 5 / 3 * 11 / 25, "decays_end": "at_last_step", "learning_rate": 0.01}
    expected = nabla_tau.reference(
        ours.original(),
        [steps[i : i + 4] for i in range(0, 15, 4)],
        validation=[(x[chosen], y[chosen])],
        optimizer=ours.optimizer(),
        **{**given, **reference_settings},
    )
    assert_equal(ours, expected)
    x, y = ours.whole("forget")
    forget_loss = functional.cross_entropy(ours.before.eval()(x), y)
    assert ours.logged[0]["target"] > forget_loss.item(), "there is nothing to forget"


COMPARISONS: dict[str, Callable[[str], None]] = {
    "nabla_tau": compare,
    "nabla_tau: L_v over all": partial(compare, classes="all"),
    "nabla_tau: L_v anew": partial(compare, changes={"recompute_every": 2}, recompute_every=2),
    "nabla_tau: per forget epoch": partial(
        compare, changes={"alpha_per": "forget_epoch"}, alpha_decay="per_forget_epoch"
    ),
    "nabla_tau: eval": partial(compare, changes={"bn_mode": "eval"}, mode="bn_eval"),
    "nabla_tau: constant rate": partial(compare, changes={"schedule": "constant"}, learning_rate_end=1.0),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


TAU: dict[str, Any] = {"alpha": 0.4, "optimizer": {"name": "sgd"}, "learning_rate": 0.1}


def test_a_step_below_and_above_the_level() -> None:
    for level in (0.9, 0.0):
        settings: dict[str, Any] = {"validation": level, "decays_end": "after_last_step", **TAU}
        result = nabla_tau.reference(Weights(1.0), PAIR, **settings)
        gap = max(0.0, level - loss(1.0, X_F))
        g = -2 * 0.4 * gap * slope(1.0, X_F) + 0.6 * slope(1.0, X_R)
        assert result.values() == pytest.approx([1.0 - 0.1 * g], rel=1e-13)


@pytest.mark.parametrize(
    ("ends", "per", "factor", "alpha_at"),
    [
        ("after_last_step", "per_step", 0.7, 2 / 3),
        ("at_last_step", "per_step", 0.55, 0.5),
        ("after_last_step", "per_forget_epoch", 0.7, 1.0),
        ("at_last_step", "none", 0.55, 1.0),
    ],
)
def test_decays(ends: str, per: str, factor: float, alpha_at: float) -> None:
    """Two epochs of two steps and one: the second step alone moves (inputs of the others are 0)."""
    idle = (*one(0.0), *one(0.0))
    settings: dict[str, Any] = {"validation": 0.9, "decays_end": ends, "alpha_decay": per, **TAU}
    result = nabla_tau.reference(Weights(1.0), [[idle, PAIR[0][0]], [idle]], **settings)
    alpha = 0.4 * alpha_at
    g = -2 * alpha * (0.9 - loss(1.0, X_F)) * slope(1.0, X_F) + (1 - alpha) * slope(1.0, X_R)
    assert result.values() == pytest.approx([1.0 - 0.1 * factor * g], rel=1e-12)


def test_the_level_is_measured_again() -> None:
    epochs = [[(*one(0.0), *one(5.0))], PAIR[0]]
    settings: dict[str, Any] = {"decays_end": "after_last_step", "alpha_decay": "none", **TAU}
    settings |= {"validation": [one(-1.0)]}
    for every in (None, 1):
        result = nabla_tau.reference(Weights(1.0), epochs, recompute_every=every, **settings)
        w = 1.0 - 0.1 * 0.6 * slope(1.0, 5.0)
        gap = loss(1.0 if every is None else w, -1.0) - loss(w, X_F)
        g = -2 * 0.4 * gap * slope(w, X_F) + 0.6 * slope(w, X_R)
        assert result.values() == pytest.approx([w - 0.1 * 0.55 * g], rel=1e-12)
