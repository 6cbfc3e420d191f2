from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, Seen, assert_same, make_sets, run

ALPHA, RATE = 0.2, 0.1


def vector_of(model: nn.Module) -> Tensor:
    """Return all parameters as one vector."""
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def hessian(model: nn.Module, seen: Seen) -> Tensor:
    """Return the whole matrix of second derivatives [P, P] of the mean loss, in training mode."""
    scratch = copy.deepcopy(model)
    shapes = {name: p.shape for name, p in scratch.named_parameters()}

    def loss(vector_P: Tensor) -> Tensor:
        parts = vector_P.split([s.numel() for s in shapes.values()])
        weights = {name: part.view(s) for (name, s), part in zip(shapes.items(), parts, strict=True)}
        return mean_loss(lambda x: functional_call(scratch, weights, (x,)), seen)  # type: ignore[arg-type]

    return torch.autograd.functional.hessian(loss, vector_of(model))


def slow_gradient(
    model: nn.Module, retain: Seen, forget: Seen, sign: float, order: str
) -> tuple[Tensor, nn.Module]:
    """Return g [P] with the Hessian written out, and the model after the retain batch's forward pass."""
    after = copy.deepcopy(model).train()
    inner_P = torch.cat([g.flatten() for g in gradient(after, mean_loss(after, retain)).values()])
    ahead = copy.deepcopy(model).train()
    torch.nn.utils.vector_to_parameters(vector_of(model) - ALPHA * inner_P, ahead.parameters())
    outer_P = torch.cat([g.flatten() for g in gradient(ahead, sign * mean_loss(ahead, forget)).values()])
    if order == "second":
        outer_P = outer_P - ALPHA * hessian(model.train(), retain) @ outer_P
    return inner_P + outer_P, after


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("order", ["second", "first"])
@pytest.mark.parametrize("forget_loss", ["random_label", "neg_ce"])
def test_equals_the_gradient_with_the_hessian_written_out(network: str, order: str, forget_loss: str) -> None:
    model = NETWORKS[network]()
    settings = {
        "epochs": 1,
        "learning_rate": RATE,
        "alpha": ALPHA,
        "order": order,
        "forget_loss": forget_loss,
    }
    unlearned, seen = run("lur", model, settings)
    assert len(seen) == 6, "three retain batches, each with a forget batch"
    expected = copy.deepcopy(model)
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    sign = -1.0 if forget_loss == "neg_ce" else 1.0
    for retain, forget in zip(seen[::2], seen[1::2], strict=True):
        g_P, after = slow_gradient(expected, retain, forget, sign, order)
        parts = g_P.split([p.numel() for p in expected.parameters()])
        pairs = zip(expected.named_parameters(), parts, strict=True)
        for mine, theirs in zip(expected.buffers(), after.buffers(), strict=True):
            mine.copy_(theirs)  # the running statistics follow the retain batch, once
        optimizer.step({name: part.view_as(p) for (name, p), part in pairs}, RATE)
    assert_same(unlearned, expected)


def test_orders_differ_and_meet_at_alpha_zero() -> None:
    model = NETWORKS["conv_net"]()

    def weights(order: str, alpha: float) -> Tensor:
        return vector_of(run("lur", model, {"epochs": 2, "order": order, "alpha": alpha})[0])

    assert (weights("second", 0.1) - weights("first", 0.1)).abs().max() > 1e-6
    assert (weights("second", 0.0) - weights("first", 0.0)).abs().max() < 1e-12


def product_after(steps: int, alpha: float, order: str = "second") -> float:
    """Return ⟨∇L_r, ∇L_f⟩ after whole-set steps that lower L_r and raise the forget set's cross-entropy."""
    plain: dict[str, Any] = {"momentum": 0.0, "weight_decay": 0.0, "augmented": False, "batch_size": 15}
    settings = {**plain, "epochs": steps, "learning_rate": 0.05, "alpha": alpha, "order": order}
    task = Task(make_sets(), {"forget", "retain"}, Recorder(), CLASSES, 0)
    method = make("lur", None, {**settings, "forget_loss": "neg_ce"})
    model = method.unlearn(NETWORKS["two_layer"](), task)
    retain, forget = (
        Seen(batch, batch.y, True) for batch in (next(s.batches(15)) for s in (task.retain, task.forget))
    )
    g_r = gradient(model, mean_loss(model, retain))
    g_f = gradient(model, -mean_loss(model, forget))
    return sum((g_r[name] * g_f[name]).sum().item() for name in g_r)


def test_gradients_come_to_agree_along_lur_and_not_along_joint_descent() -> None:
    start, joint, ahead = product_after(0, 1.0), product_after(30, 0.0), product_after(30, 1.0)
    assert start < 0, "the gradients are to conflict at first"
    assert joint < start
    assert ahead > 0
    assert joint < product_after(30, 1.0, "first") < ahead
