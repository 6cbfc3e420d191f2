"""Single steps of the SFR-on, nabla-tau and LUR references against answers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from .one_weight import Weights, curvature, loss, one, slope
from .references import finetune, lur, nabla_tau, sfr_on

PLAIN: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rates": 0.1}
X_F, X_R = 2.0, -0.5
PAIR = [[(*one(X_F), *one(X_R))]]


def moved(model: Any) -> Tensor:
    """The direction of a step from w = 0 at rate .1."""
    return -model.w.detach() / 0.1


SFR: dict[str, Any] = {"every": 1, "ascent": 4.0, "loss_power": 0.5, "optimizer": {"name": "sgd"}}
NO_MASK: dict[str, Any] = {"mask_forget": None, "mask_retain": None}


def test_sfr_weights_in_closed_form() -> None:
    losses = torch.tensor([1.0, 4.0]).double().requires_grad_()
    total = sfr_on.weighted_loss(losses, 0.5, 1e-15, "loss")
    total.backward()
    assert losses.grad is not None
    assert float(total.detach()) == pytest.approx(2.0) and losses.grad.tolist() == pytest.approx(
        [2 / 3, 1 / 3]
    )
    assert sfr_on.half_cosine(4.0, 1, 3) == pytest.approx(3.0)


def test_sfr_ascends_then_descends_and_averages() -> None:
    settings: dict[str, Any] = {"learning_rate": 0.1, "slow_step": 0.25, "clip_norm": 0.5, **SFR, **NO_MASK}
    result = sfr_on.reference(Weights(1.0), PAIR, **settings)
    ascent = -4.0 * slope(1.0, X_F)
    assert abs(ascent) > 0.5
    fast = 1.0 - 0.1 * ascent * 0.5 / (abs(ascent) + 1e-6)
    fast -= 0.1 * slope(fast, X_R)
    assert result.values() == pytest.approx([0.75 * 1.0 + 0.25 * fast], rel=1e-13)


def test_sfr_mask_compares_mean_squared_batch_gradients() -> None:
    """F_f = (1, 1), F_r = (mean of 4 and 0, mean of 0 and 1) at w = 0: only the second weight ascends."""
    forget, retain = [one(2.0, 2.0)], [one(4.0, 0.0), one(0.0, 2.0)]
    steps = [[(*one(2.0, 2.0), *one(0.0, 0.0))]]
    settings: dict[str, Any] = {"learning_rate": 0.1, "clip_norm": None, **SFR}
    model = Weights(0.0, 0.0)
    direction = moved(sfr_on.reference(model, steps, mask_forget=forget, mask_retain=retain, **settings))
    torch.testing.assert_close(direction, torch.tensor([0.0, 4.0]).double())


def test_sfr_without_ascent_is_fine_tuning_on_a_cosine() -> None:
    steps = [[(None, None, *one(x))] for x in (1.0, -2.0)]
    steps[0][0] = (*one(3.0), *one(1.0))
    settings: dict[str, Any] = {**SFR, "ascent": 0.0, "every": 2, "learning_rate": 0.2, **NO_MASK}
    result = sfr_on.reference(Weights(1.0), steps, **settings)
    rates = {"optimizer": {"name": "sgd"}, "learning_rates": [0.2, 0.1]}
    expected = finetune.reference(Weights(1.0), [[one(1.0)], [one(-2.0)]], **rates)
    assert result.values() == pytest.approx(expected.values(), rel=1e-14)


TAU: dict[str, Any] = {"alpha": 0.4, "optimizer": {"name": "sgd"}, "learning_rate": 0.1}


def test_nabla_tau_below_and_above_the_level() -> None:
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
def test_nabla_tau_decays(ends: str, per: str, factor: float, alpha_at: float) -> None:
    """Two epochs of two steps and one: the second step alone moves (inputs of the others are 0)."""
    idle = (*one(0.0), *one(0.0))
    settings: dict[str, Any] = {"validation": 0.9, "decays_end": ends, "alpha_decay": per, **TAU}
    result = nabla_tau.reference(Weights(1.0), [[idle, PAIR[0][0]], [idle]], **settings)
    alpha = 0.4 * alpha_at
    g = -2 * alpha * (0.9 - loss(1.0, X_F)) * slope(1.0, X_F) + (1 - alpha) * slope(1.0, X_R)
    assert result.values() == pytest.approx([1.0 - 0.1 * factor * g], rel=1e-12)


def test_nabla_tau_measures_the_level_again() -> None:
    steps = [[(*one(0.0), *one(5.0))], PAIR[0]]
    settings: dict[str, Any] = {
        "validation": [one(-1.0)],
        "decays_end": "after_last_step",
        "alpha_decay": "none",
    }
    for every in (None, 1):
        result = nabla_tau.reference(Weights(1.0), steps, recompute_every=every, **settings, **TAU)
        w = 1.0 - 0.1 * 0.6 * slope(1.0, 5.0)
        gap = loss(1.0 if every is None else w, -1.0) - loss(w, X_F)
        g = -2 * 0.4 * gap * slope(w, X_F) + 0.6 * slope(w, X_R)
        assert result.values() == pytest.approx([w - 0.1 * 0.55 * g], rel=1e-12)


@pytest.mark.parametrize(("kind", "sign"), [("random_label", 1.0), ("neg_ce", -1.0)])
def test_lur_in_closed_form(kind: str, sign: float) -> None:
    settings: dict[str, Any] = {"alpha": 0.7, "forget_loss": kind, "outer_moves_buffers": True, **PLAIN}
    ahead = 1.0 - 0.7 * slope(1.0, X_R)
    v = sign * slope(ahead, X_F)
    result = lur.reference_exact(Weights(1.0), PAIR, **settings)
    exact = slope(1.0, X_R) + (1 - 0.7 * curvature(1.0, X_R)) * v
    assert result.values() == pytest.approx([1.0 - 0.1 * exact], rel=1e-13)
    result = lur.reference_first_order(Weights(1.0), PAIR, **settings)
    assert result.values() == pytest.approx([1.0 - 0.1 * (slope(1.0, X_R) + v)], rel=1e-13)


def test_lur_exact_is_the_gradient_of_its_objective() -> None:
    """Central difference of L_r(w) + 2 L_f(w − α L_r'(w))."""

    def objective(w: float) -> float:
        return loss(w, X_R) + 2.0 * loss(w - 0.7 * slope(w, X_R), X_F)

    settings: dict[str, Any] = {"alpha": 0.7, "forget_loss": "random_label", "outer_moves_buffers": False}
    result = lur.reference_exact(Weights(1.0), PAIR, balance=2.0, **settings, **PLAIN)
    g = (objective(1.0 + 1e-5) - objective(1.0 - 1e-5)) / 2e-5
    assert result.values() == pytest.approx([1.0 - 0.1 * g], rel=1e-9)
