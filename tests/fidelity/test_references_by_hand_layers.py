"""Single steps of the references with teachers, fresh layers or noise, against answers worked out by hand."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .one_weight import Weights, one, sigmoid, slope
from .reference_batches import batch, network
from .references import (
    bad_teacher,
    cf_k,
    eu_k,
    scrub,
    unsir,
)

PLAIN: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rates": 0.1}
X_F, X_R = 2.0, -0.5  # inputs of the forget and of the retain sample, both with label 0
PAIR = [[(*one(X_F), *one(X_R))]]


SCRUB: dict[str, Any] = {"gamma": 0.5, "alpha": 3.0, "temperature": 2.0, **PLAIN}


@pytest.mark.parametrize("direction", ["teacher_student", "student_teacher"])
def test_scrub_starts_where_the_divergence_is_flat(direction: str) -> None:
    """Student = teacher: no push in the first forget step, only γ·CE in the first retain step."""
    steps: list[list[Any]] = [[("forget", one(X_F)[0]), ("retain", *one(X_R))]]
    result = scrub.reference(Weights(1.0), steps, msteps=1, kl_direction=direction, **SCRUB)
    assert result.values() == pytest.approx([1.0 - 0.1 * 0.5 * slope(1.0, X_R)], rel=1e-12)


def test_scrub_distance_in_closed_form() -> None:
    student = torch.tensor([[2 * math.log(3.0), 0.0]], dtype=torch.float64)  # tempered: 3/4, 1/4
    teacher = torch.zeros(1, 2, dtype=torch.float64)  # 1/2, 1/2
    forward = 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    backward = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert float(scrub.distance(student, teacher, 2.0, "teacher_student")) == pytest.approx(4 * forward)
    assert float(scrub.distance(student, teacher, 2.0, "student_teacher")) == pytest.approx(4 * backward)


@pytest.mark.parametrize(("reduction", "divisor"), [("mean", 4), ("batchmean", 2)])
def test_bad_teacher_pulls_the_forget_sample_only(reduction: str, divisor: int) -> None:
    """∂KL(t‖p)/∂w = (p − t) x; on the retain sample t = p at the start."""
    x = torch.cat([one(X_F)[0], one(X_R)[0]])
    settings: dict[str, Any] = {"bad_teacher": Weights(-3.0), "reduction": reduction, **PLAIN}
    result = bad_teacher.reference(Weights(1.0), [[(x, [True, False])]], **settings)
    push = (sigmoid(X_F) - sigmoid(-3.0 * X_F)) * X_F / divisor
    assert result.values() == pytest.approx([1.0 - 0.1 * push], rel=1e-12)


def softmax_regression_step(head: nn.Linear, h: Tensor, y: Tensor) -> Tensor:
    """The head's weights after one step of .1: W − .1 (p − onehot)ᵀ h / m."""
    error = torch.softmax(head(h), 1) - nn.functional.one_hot(y, head.out_features)
    return head.weight - 0.1 * error.T @ h / len(y)


def test_cf_k_is_softmax_regression_on_frozen_features() -> None:
    before, (x, y) = network("two_layer"), batch("two_layer", 3)
    after = cf_k.reference(copy.deepcopy(before), [[(x, y)]], k=1, **PLAIN)
    expected = softmax_regression_step(before[2], torch.tanh(before[0](x)), y)
    torch.testing.assert_close(after[2].weight, expected, rtol=1e-12, atol=1e-14)
    assert torch.equal(after[0].weight, before[0].weight)


def test_eu_k_starts_from_the_fresh_layer() -> None:
    before, (x, y) = network("two_layer"), batch("two_layer", 3)
    fresh = {"2.weight": torch.ones(3, 5).double(), "2.bias": torch.zeros(3).double()}
    after = eu_k.reference(copy.deepcopy(before), [[(x, y)]], k=1, fresh_state=fresh, **PLAIN)
    before[2].load_state_dict({"weight": fresh["2.weight"], "bias": fresh["2.bias"]})
    expected = softmax_regression_step(before[2], torch.tanh(before[0](x)), y)
    torch.testing.assert_close(after[2].weight, expected, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="fresh_state"):
        eu_k.reference(before, [], k=1, fresh_state={"2.bias": fresh["2.bias"]}, **PLAIN)


def test_cf_k_frees_the_batch_norm_after_its_layer() -> None:
    names = [name for name, _ in cf_k.free_modules(network("conv"), 2)]
    assert names == ["3", "4", "5", "6", "7"]


def test_unsir_noise_moves_against_the_weight() -> None:
    """Adam's first step is .1 · sign; the gradient of −CE by the input has the sign of w (label 0)."""
    noise, labels = torch.tensor([[0.5]], dtype=torch.float64), torch.tensor([0])
    made = unsir.learned_noise(Weights(2.0), noise, labels, 1, 0.1, 0.0, "eval")
    assert float(made) == pytest.approx(0.4, abs=1e-7)
    made = unsir.learned_noise(Weights(2.0), noise, labels, 1, 0.1, -9.0, "eval")
    assert float(made) == pytest.approx(0.6, abs=1e-7)


def test_unsir_trains_on_noise_and_samples_then_on_samples() -> None:
    noise, labels = torch.tensor([[0.5], [X_F]], dtype=torch.float64), torch.tensor([1, 1])
    steps: list[list[Any]] = [[("impair", *one(X_R), [1])], [("repair", *one(X_R))]]
    settings: dict[str, Any] = {"noise": noise, "noise_labels": labels, "noise_mode": "eval", **PLAIN}
    result = unsir.reference(Weights(1.0), steps, noise_steps=0, **settings)
    w = 1.0 - 0.1 * (slope(1.0, X_R) + slope(1.0, X_F, label=1)) / 2
    assert result.values() == pytest.approx([w - 0.1 * slope(w, X_R)], rel=1e-13)
