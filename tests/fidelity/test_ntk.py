"""NTK scrubbing: ours equals the reference in both readings; the reference against least squares and its dual."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.training.state.initial_weights import FILE
from reunlearn.training.tensor_files import save_model

from .batches import samples
from .closed_forms import ONE_HOT, X, Y
from .harness import Run, assert_equal, run
from .networks import NETS, fresh_network, linear
from .references import ntk
from .references._samples import joined
from .references._weights import add_to, flat, split_like, trainable


def run_with_start(kind: str, reading: str, **settings: Any) -> tuple[Run, nn.Module]:
    """Return our run, and the network that training started from."""
    start = fresh_network(kind, 7)
    with TemporaryDirectory() as folder:
        save_model(start, Path(folder) / FILE)
        recipe, state = {"weight_decay": 0.1}, {"initial_weights": Path(folder)}
        row, chosen = f"ntk@{reading}", {"batch_size": 3, **settings}
        return run(row, kind, chosen, recipe=recipe, state=state), start


def compare_code(kind: str) -> None:
    """Five of the retain set, in order; λ is the training's own; the trapezium trick lengthens Δ."""
    ours, start = run_with_start(kind, "code", retain_samples=5)
    rows = ours.draws("randperm")[0][:5].sort().values
    x, y = ours.whole("retain")
    expected = ntk.reference(
        ours.original(),
        {"retain": (x[rows], y[rows]), "forget": ours.whole("forget")},
        lambda_=0.1,
        initial={name: p.detach() for name, p in start.named_parameters()},
    )
    assert_equal(ours, expected)


def compare_paper(kind: str) -> None:
    """J and r are those of the initial weights; Δ is added to the trained ones."""
    ours, start = run_with_start(kind, "paper", retain_samples=0, weight_decay=0.3)
    expected = ours.original()
    solutions = []
    for part in (ours.whole("retain"), joined([ours.whole("retain"), ours.whole("forget")])):
        jacobian, residual = ntk.jacobian_and_residual(start, part)
        solutions.append(ntk.linear_solution(jacobian, residual, len(part[1]), 0.3))
    w_retain, w_all = solutions
    parameters = trainable(expected)
    delta = w_retain - w_all
    error = flat(parameters) - flat(trainable(start)) - w_retain
    add_to(parameters, split_like(delta, parameters), ntk.trapezium_scale(delta, error))
    assert_equal(ours, expected)


COMPARISONS = {"ntk@paper": compare_paper, "ntk@code": compare_code}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_linear_model_with_squared_loss_becomes_least_squares_on_the_rest() -> None:
    weight = torch.linalg.lstsq(X, ONE_HOT).solution.T
    model = linear(weight)
    data = {"retain": (X[:5], Y[:5]), "forget": (X[5:], Y[5:])}
    ntk.reference(model, data, lambda_=1e-9, scale=1.0, residual="logit")
    expected = torch.linalg.lstsq(X[:5], ONE_HOT[:5]).solution.T
    torch.testing.assert_close(model.weight.detach(), expected, atol=1e-6, rtol=0)


def test_the_dual_solution_equals_the_primal_one() -> None:
    j, r = ntk.jacobian_and_residual(fresh_network("two_layer"), samples("two_layer", 6, 1))
    primal = -torch.linalg.solve(j @ j.T + 6 * 0.1 * torch.eye(len(j), dtype=torch.float64), j @ r)
    torch.testing.assert_close(ntk.linear_solution(j, r, 6, 0.1), primal)


def test_the_trapezium_worked_out() -> None:
    delta, error = torch.tensor([2.0, 0.0]).double(), torch.tensor([-3.0, 4.0]).double()
    assert ntk.trapezium_scale(delta, error) == pytest.approx((2 + 2 * 3) / 2)
    assert ntk.trapezium_scale(delta, error, "signed") == pytest.approx((2 - 2 * 3) / 2)
    angle = math.acos(-0.6) - math.pi / 2
    assert ntk.trapezium_scale(delta, error) == pytest.approx((2 + 2 * math.sin(angle) * 5) / 2)
