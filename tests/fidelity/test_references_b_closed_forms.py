"""Closed forms on linear models: Fisher, SSD, influence, NTK, unrolling SGD, Warnecke, amnesiac."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

from .references import (
    amnesiac,
    fisher,
    influence,
    ntk,
    ssd,
    unrolling_sgd,
    warnecke_first_order,
    warnecke_second_order,
)
from .references.plain_parts import batches_of, flat, gradients, parameters_of
from .references_b_nets import CLASSES, built, linear, normal, samples

WEIGHT = normal(CLASSES, 2, seed=3)
X, Y = normal(7, 2, seed=4), torch.tensor([0, 1, 2, 1, 0, 2, 0])
ONE_HOT = torch.eye(CLASSES, dtype=torch.float64)[Y]


def _probabilities(weight: Tensor = WEIGHT) -> Tensor:
    return torch.softmax(X @ weight.T, dim=1)


def test_all_label_fisher_of_a_linear_model() -> None:
    """E over labels of (p_c - 1[y=c])^2 x_j^2 is p_c (1 - p_c) x_j^2; then the noise rules by hand."""
    p = _probabilities()
    expected = torch.stack([(p[:, c] * (1 - p[:, c])) @ X**2 for c in range(CLASSES)]) / len(X)
    model, draws = linear(WEIGHT), {"weight": normal(CLASSES, 2, seed=9)}
    found = fisher.all_label_fisher(model, {"retain": (X, Y)})
    torch.testing.assert_close(found["weight"], expected)
    fisher.reference(
        model, {"retain": (X, Y)}, noise=draws, alpha=1e-3, number_of_classes=CLASSES, classes_to_forget=[1]
    )
    for c in range(CLASSES):
        variance = sum(1e-3 * min(1 / (float(f) + 1e-8), 1e2) for f in expected[c]) / 2 * 10
        row = WEIGHT[c] + math.sqrt(variance) * draws["weight"][c]
        if c == 1:
            row = math.sqrt(1e-4 * 10) * draws["weight"][c]
        torch.testing.assert_close(model.weight.detach()[c], row)


def test_fisher_caps_and_factors() -> None:
    """Zero Fisher: the caps show; vectors get one x10, the last bias one x10, kernels none."""
    model = built("small_conv")
    nothing = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    _, variance = fisher.mean_and_variance(model, nothing, alpha=1.0, number_of_classes=4)
    values = {n: sorted({float(x) for x in v.reshape(-1)}) for n, v in variance.items()}
    assert values["body.0.weight"] == [1e3] and values["body.1.bias"] == [1e4]
    assert (
        values["body.3.weight"] == [1e3] and values["body.4.bias"] == [1e3] and values["head.bias"] == [1e4]
    )


def test_empirical_fisher_of_a_linear_model() -> None:
    score = (ONE_HOT - _probabilities())[:, :, None] * X[:, None, :]
    expected = ((score + 1e-8) ** 2).mean(0)
    draws = {"weight": normal(CLASSES, 2, seed=9)}
    model = fisher.reference_empirical(linear(WEIGHT), {"retain": (X, Y)}, noise=draws, alpha=1e-8)
    deviation = torch.clamp((1e-8 / expected).sqrt(), max=1e-3)
    torch.testing.assert_close(model.weight.detach(), WEIGHT + deviation * draws["weight"])


def test_ssd_by_hand() -> None:
    """Importances are squares of batch means; only entries above alpha * F_D are dampened."""
    model = linear(WEIGHT)
    full, forget = batches_of((X, Y), 4), batches_of((X, Y), 3)[:1]
    p = _probabilities()

    def importance(parts: list[slice]) -> Tensor:
        return sum(((p - ONE_HOT)[s].T @ X[s] / len(X[s])) ** 2 for s in parts) / len(parts)

    f_full, f_forget = importance([slice(0, 4), slice(4, 7)]), importance([slice(0, 3)])
    ssd.reference(model, {"full": full, "forget": forget}, alpha=1.5, lambda_=0.8)
    factor = torch.where(
        f_forget > 1.5 * f_full, (0.8 * f_full / f_forget).clamp(max=1), torch.ones(3, 2).double()
    )
    assert 0 < int((factor < 1).sum()) < factor.numel()
    torch.testing.assert_close(model.weight.detach(), WEIGHT * factor)


def test_woodfisher_against_the_dense_inverse() -> None:
    """Released: right for parallel gradients, the first sample only starting it. Exact: right for all."""
    g, v, eye = normal(5, seed=1), normal(5, seed=2), torch.eye(5, dtype=torch.float64)
    for m in (1, 2, 6):
        dense = torch.linalg.inv(eye + (m - 1) / 10 * torch.outer(g, g))
        torch.testing.assert_close(influence.woodfisher_released(v, [g] * m, 10.0), dense @ v)
    rows = [normal(5, seed=s) for s in range(4)]
    dense = torch.linalg.inv(eye + sum(torch.outer(r, r) for r in rows) / 10)
    torch.testing.assert_close(influence.woodfisher_exact(v, rows, 10.0), dense @ v)
    assert not torch.allclose(influence.woodfisher_released(v, rows, 10.0), dense @ v, atol=1e-3)


def test_influence_with_one_sample_is_a_gradient_step() -> None:
    """One retain sample only initialises o, so k = v."""
    model = linear(WEIGHT)
    slope = (_probabilities() - ONE_HOT)[:, :, None] * X[:, None, :]
    v = (slope[1:].sum(0) - 6 / 1 * slope[0]) / 7
    influence.reference(model, {"retain": (X[:1], Y[:1]), "forget": (X[1:], Y[1:])}, alpha=2.0)
    torch.testing.assert_close(model.weight.detach(), WEIGHT + 2.0 * v)


def test_ntk_on_a_linear_model_with_squared_loss_is_least_squares_on_the_rest() -> None:
    weight = torch.linalg.lstsq(X, ONE_HOT).solution.T
    model = linear(weight)
    data = {"retain": (X[:5], Y[:5]), "forget": (X[5:], Y[5:])}
    ntk.reference(model, data, lambda_=1e-9, scale=1.0, residual="logit")
    expected = torch.linalg.lstsq(X[:5], ONE_HOT[:5]).solution.T
    torch.testing.assert_close(model.weight.detach(), expected, atol=1e-6, rtol=0)


def test_ntk_dual_equals_primal_and_the_trapezium_by_hand() -> None:
    model = built("two_layer")
    j, r = ntk.jacobian_and_residual(model, samples("two_layer", 6, 1))
    primal = -torch.linalg.solve(j @ j.T + 6 * 0.1 * torch.eye(len(j), dtype=torch.float64), j @ r)
    torch.testing.assert_close(ntk.linear_solution(j, r, 6, 0.1), primal)
    delta, error = torch.tensor([2.0, 0.0]).double(), torch.tensor([-3.0, 4.0]).double()
    assert ntk.trapezium_scale(delta, error) == pytest.approx((2 + 2 * 3) / 2)
    assert ntk.trapezium_scale(delta, error, "signed") == pytest.approx((2 - 2 * 3) / 2)
    angle = math.acos(-0.6) - math.pi / 2
    assert ntk.trapezium_scale(delta, error) == pytest.approx((2 + 2 * math.sin(angle) * 5) / 2)


def test_unrolling_sgd_by_hand() -> None:
    model, slope = linear(WEIGHT), (_probabilities() - ONE_HOT).T
    unrolling_sgd.reference(model, {"forget": batches_of((X, Y), 4)}, epochs=3, learning_rate=0.1)
    total = slope[:, :4] @ X[:4] / 4 + slope[:, 4:] @ X[4:] / 3
    torch.testing.assert_close(model.weight.detach(), WEIGHT + 0.3 * total)
    logits = normal(5, 3)
    loss = torch.nn.functional.cross_entropy(logits, Y[:5]) + 0.4 * logits.std(dim=1).mean()
    torch.testing.assert_close(unrolling_sgd.regularised_loss(logits, Y[:5], 0.4), loss)


def test_amnesiac_undoing_every_batch_gives_the_initial_weights() -> None:
    model = built("small_conv")
    start, batches = copy.deepcopy(model.state_dict()), batches_of(samples("small_conv", 12, 1), 4)
    updates = amnesiac.record(model, batches, learning_rate=0.1, momentum=0.9)
    trained = copy.deepcopy(model.state_dict())
    data = {"updates": updates, "samples": [[0, 1], [2, 3], [4, 5]], "repair": []}
    amnesiac.reference(model, data, forget_indices=[1, 3, 4])
    for name, value in model.state_dict().items():
        kept = name.split(".")[-1] not in ("weight", "bias")
        torch.testing.assert_close(value, trained[name] if kept else start[name])


def _wrong() -> tuple[Tensor, Tensor]:
    predictions = (X @ WEIGHT.T).argmax(1)
    wrong = predictions != Y
    return wrong, torch.eye(CLASSES, dtype=torch.float64)[predictions] - ONE_HOT


def test_warnecke_first_order_by_hand() -> None:
    """grad CE(x, clean) - grad CE(x, predicted) = (e_predicted - e_clean) x^T."""
    wrong, swap = _wrong()
    assert 2 <= int(wrong.sum()) < len(X)
    model = warnecke_first_order.reference(linear(WEIGHT), {"training": (X, Y)}, tau=0.01)
    torch.testing.assert_close(model.weight.detach(), WEIGHT - 0.01 * swap[wrong].T @ X[wrong])


def test_warnecke_second_order_limit_is_the_dense_inverse() -> None:
    """Linear softmax model: H = sum (diag p - p p^T) (x) x x^T; LiSSA converges to its inverse."""
    model, p = linear(WEIGHT), _probabilities()
    hessian = warnecke_second_order.dense_hessian(model, (X, Y), parameters_of(model))
    expected = sum(
        torch.kron(torch.diag(p[i]) - torch.outer(p[i], p[i]), torch.outer(X[i], X[i])) for i in range(7)
    )
    torch.testing.assert_close(hessian, expected)
    v, eye = normal(6, seed=8), torch.eye(6, dtype=torch.float64)
    found = warnecke_second_order.lissa(
        v, [hessian], scale=20.0, damping=0.05, iterations=2000, patience=None
    )
    torch.testing.assert_close(found, torch.linalg.inv(expected + 0.05 * 20.0 * eye) @ v)

    wrong, swap = _wrong()
    step = torch.linalg.solve(expected + eye, (swap[wrong].T @ X[wrong]).reshape(-1)).reshape(3, 2)
    data = {"training": (X, Y), "hessian": [(X, Y)]}
    settings = {"scale": 20.0, "damping": 0.05, "iterations": 2000, "patience": None}
    for dense in (True, False):
        changed = warnecke_second_order.reference(linear(WEIGHT), data, dense=dense, **settings)
        torch.testing.assert_close(changed.weight.detach(), WEIGHT - step)


def test_gradients_are_flattened_in_the_models_order() -> None:
    model = built("two_layer")
    x, y = samples("two_layer", 4, 1)
    torch.nn.functional.cross_entropy(model(x), y).backward()
    own = flat(gradients(torch.nn.functional.cross_entropy(model(x), y), parameters_of(model)))
    torch.testing.assert_close(own, torch.cat([p.grad.reshape(-1) for p in model.parameters()]))
