"""Single steps of the references that train on labels, against answers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from .one_weight import Weights, one, sigmoid, slope
from .references import (
    amnesiac_relabel,
    finetune,
    gradient_ascent,
    l1_sparse,
    neg_grad,
    neg_grad_plus,
    random_labels,
    salun,
)

PLAIN: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rates": 0.1}
X_F, X_R = 2.0, -0.5  # inputs of the forget and of the retain sample, both with label 0
PAIR = [[(*one(X_F), *one(X_R))]]


def test_finetune_with_momentum_and_decay() -> None:
    settings = {
        "optimizer": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.2},
        "learning_rates": [0.1, 0.3],
    }
    result = finetune.reference(Weights(1.0), [[one(2.0)], [one(-1.0)]], **settings)
    first = slope(1.0, 2.0) + 0.2 * 1.0
    w = 1.0 - 0.1 * first
    second = 0.9 * first + slope(w, -1.0) + 0.2 * w
    assert result.values() == pytest.approx([w - 0.3 * second], rel=1e-14)


def test_ascent_and_its_clipping() -> None:
    steep = -slope(1.0, -5.0)
    result = gradient_ascent.reference(Weights(1.0), [[one(-5.0)]], **PLAIN)
    assert result.values() == pytest.approx([1.0 - 0.1 * steep], rel=1e-14)
    result = gradient_ascent.reference(Weights(1.0), [[one(-5.0)]], clip_norm=0.1, **PLAIN)
    clipped = steep * 0.1 / (abs(steep) + 1e-6)
    assert result.values() == pytest.approx([1.0 - 0.1 * clipped], rel=1e-14)


def test_neg_grad_is_the_weighted_difference() -> None:
    w_f, w_r = 0.3, 0.7
    result = neg_grad.reference(Weights(1.0), PAIR, forget_weight=w_f, retain_weight=w_r, **PLAIN)
    expected = 1.0 + 0.1 * (w_f * slope(1.0, X_F) - w_r * slope(1.0, X_R))
    assert result.values() == pytest.approx([expected], rel=1e-14)
    result = neg_grad_plus.reference(Weights(1.0), PAIR, alpha=w_r, **PLAIN)
    assert result.values() == pytest.approx([expected], rel=1e-14)


def test_neg_grad_plus_cycles_the_forget_batches() -> None:
    assert neg_grad_plus.cycled([("f0",), ("f1",)], [("r0",), ("r1",), ("r2",)]) == [
        ("f0", "r0"),
        ("f1", "r1"),
        ("f0", "r2"),
    ]


def test_random_labels_trains_on_the_drawn_label() -> None:
    steps: list[list[Any]] = [[("forget", *one(X_F), torch.tensor([1])), ("retain", *one(X_R))]]
    result = random_labels.reference(Weights(1.0), steps, wrong_only=True, **PLAIN)
    w = 1.0 - 0.1 * slope(1.0, X_F, label=1)
    assert result.values() == pytest.approx([w - 0.1 * slope(w, X_R)], rel=1e-14)


def test_random_labels_refuses_the_wrong_order_and_the_true_class() -> None:
    forget, retain = ("forget", *one(X_F), torch.tensor([0])), ("retain", *one(X_R))
    with pytest.raises(ValueError, match="before"):
        random_labels.reference(Weights(1.0), [[retain, forget]], wrong_only=False, **PLAIN)
    with pytest.raises(ValueError, match="true class"):
        random_labels.reference(Weights(1.0), [[forget, retain]], wrong_only=True, **PLAIN)


def test_amnesiac_puts_the_labels_in_by_index() -> None:
    x, y = torch.cat([one(X_F)[0], one(X_R)[0]]), torch.tensor([0, 0])
    steps = [[(x, y, torch.tensor([7, 4]))]]
    result = amnesiac_relabel.reference(Weights(1.0), steps, wrong_labels={7: 1}, **PLAIN)
    expected = 1.0 - 0.1 * (slope(1.0, X_F, label=1) + slope(1.0, X_R)) / 2
    assert result.values() == pytest.approx([expected], rel=1e-14)
    with pytest.raises(ValueError, match="true label"):
        amnesiac_relabel.reference(Weights(1.0), steps, wrong_labels={7: 0}, **PLAIN)


def test_l1_penalty_falls_linearly_and_pulls_by_sign() -> None:
    assert [l1_sparse.penalty(0.4, e, 5, 1) for e in range(5)] == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])
    result = l1_sparse.reference(Weights(-1.0, 0.0), [[one(0.0, 0.0)]], alpha=0.4, **PLAIN)
    assert result.values() == pytest.approx([-1.0 + 0.1 * 0.4, 0.0])


@pytest.mark.parametrize(("hold", "held"), [("exact", 1.0), ("gradient_only", 1.0 - 0.1 * 0.5)])
def test_salun_moves_the_steepest_half(hold: str, held: float) -> None:
    settings: dict[str, Any] = {"optimizer": {"name": "sgd", "weight_decay": 0.5}, "learning_rates": 0.1}
    mask = [one(3.0, -4.0)]
    step = ("retain", *one(1.0, 1.0))
    result = salun.reference(
        Weights(1.0, 1.0), [[step]], mask_batches=mask, fraction=0.5, hold=hold, wrong_only=True, **settings
    )
    moved = 1.0 - 0.1 * ((sigmoid(2.0) - 1) + 0.5)
    assert result.values() == pytest.approx([held, moved], rel=1e-14)


def test_salun_mask_sums_batches_before_the_absolute_value() -> None:
    opposite = [one(5.0, 1.0), one(-5.0, 1.0)]  # at w = 0 the first entry's gradients cancel
    assert salun.saliency_mask(Weights(0.0, 0.0), opposite, 0.5)[0].tolist() == [0.0, 1.0]
