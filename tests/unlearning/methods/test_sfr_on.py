from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from reunlearn.unlearning.methods import sfr_on
from tests.unlearning.methods.slow import Gradients, SlowSGD, gradient, mean_loss, sample_losses
from tests.unlearning.methods.small import NETWORKS, Seen, assert_same, distance, run

SETTINGS = {"steps": 5, "inner_period": 2, "learning_rate": 0.05, "ascent": 3.0, "clip": 0.5}
FORGET_BATCHES, RETAIN_BATCHES = 2, 3  # of 6 and 9 samples, 4 at a time


def slow_fisher(model: nn.Module, seen: list[Seen]) -> Gradients:
    """Return the mean over batches of squared gradients of the batch's mean loss."""
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in seen:
        assert not one.training
        for name, g in gradient(model, mean_loss(model, one)).items():
            total[name] += g * g / len(seen)
    return total


def slow_forget_gradient(model: nn.Module, one: Seen, mask: Gradients, multiplier: float) -> Gradients:
    """Return clip(m ⊙ −a Σ_i w_i ∇ℓ_i), weights and norm found in plain loops."""
    losses = sample_losses(model, one)
    inverse = [1 / loss.item() ** 0.5 for loss in losses]
    weighted: Tensor = sum((w / sum(inverse)) * loss for w, loss in zip(inverse, losses, strict=True))
    found = {name: g * mask[name] for name, g in gradient(model, -multiplier * weighted).items()}
    norm = math.sqrt(sum(v * v for g in found.values() for v in g.flatten().tolist()))
    return {name: g * min(1.0, 0.5 / (norm + 1e-6)) for name, g in found.items()}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("outer_lr", [1.0, 0.3])
def test_equals_the_loop_of_the_paper(network: str, outer_lr: float) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("sfr_on", model, {**SETTINGS, "outer_lr": outer_lr})
    expected = copy.deepcopy(model).eval()
    forget = slow_fisher(expected, seen[:FORGET_BATCHES])
    retain = slow_fisher(expected, seen[FORGET_BATCHES : FORGET_BATCHES + RETAIN_BATCHES])
    mask = {name: ((f + 1e-15) / (retain[name] + 1e-15) >= 1).double() for name, f in forget.items()}
    shares = torch.cat([m.flatten() for m in mask.values()])
    assert 0 < shares.mean() < 1, "the mask decides nothing"
    optimizer = SlowSGD(expected.train(), 0.9, 5e-4)
    queue = iter(seen[FORGET_BATCHES + RETAIN_BATCHES :])
    slow = {name: p.detach().clone() for name, p in expected.named_parameters()}
    for t in range(5):
        falling = (1 + math.cos(math.pi * t / 5)) / 2
        if t % 2 == 0:
            optimizer.step(slow_forget_gradient(expected, next(queue), mask, 3.0 * falling), 0.05 * falling)
        optimizer.step(gradient(expected, mean_loss(expected, next(queue))), 0.05 * falling)
        for name, p in expected.named_parameters():
            p.data = (1 - outer_lr) * slow[name] + outer_lr * p.data
            slow[name] = p.detach().clone()
    assert next(queue, None) is None
    assert_same(unlearned, expected)


def test_full_outer_rate_is_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    model = NETWORKS["conv_net"]()
    full, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 1.0})
    half, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 0.5})
    monkeypatch.setattr(sfr_on, "follow", lambda slow, parameters, rate: None)
    without, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 1.0})
    assert distance(full, without) == 0.0
    assert distance(half, without) > 1e-4


def test_outer_rate_zero_moves_statistics_only() -> None:
    model = NETWORKS["conv_net"]()
    still, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 0.0})
    assert distance(still, model) == 0.0
    assert not torch.equal(still[1].running_mean, model[1].running_mean)


def test_switches_change_the_forget_step_alone() -> None:
    model = NETWORKS["two_layer"]()
    plain = {**SETTINGS, "momentum": 0.0, "weight_decay": 0.0}
    none_salient, _ = run("sfr_on", model, {**plain, "saliency_ratio": 1e30})
    no_ascent, _ = run("sfr_on", model, {**plain, "ascent": 0.0})
    assert distance(none_salient, no_ascent) == 0.0
    full, _ = run("sfr_on", model, plain)
    for switch in ("adaptive", "saliency"):
        off, _ = run("sfr_on", model, {**plain, switch: False})
        assert distance(off, full) > 1e-6
    flat, _ = run("sfr_on", model, {**plain, "adaptivity": 0.0})
    uniform, _ = run("sfr_on", model, {**plain, "adaptive": False})
    assert distance(flat, uniform) < 1e-12


def test_a_sample_without_loss_keeps_the_weights_finite() -> None:
    losses_B = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    loss = sfr_on.adaptive_loss(losses_B, 0.5)
    loss.backward()
    assert torch.isfinite(losses_B.grad).all()
    assert losses_B.grad.sum() == pytest.approx(1.0)
    assert losses_B.grad.argmax() == 0


def test_forget_multiplier_falls_from_one() -> None:
    for schedule in ("cosine", "linear"):
        values = [sfr_on.decay(schedule, t, 10) for t in range(10)]
        assert values[0] == 1.0
        assert values == sorted(values, reverse=True)
        assert values[5] == pytest.approx(0.5)
    assert sfr_on.decay("constant", 9, 10) == 1.0
