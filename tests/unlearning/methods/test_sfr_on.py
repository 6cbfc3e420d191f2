"""SFR-on, both readings, against one slow loop whose switches are the points where they differ, and the ablations."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reunlearn.unlearning.methods import sfr_on
from reunlearn.unlearning.registry import card
from tests.unlearning.methods.slow import Gradients, SlowSGD, gradient, mean_loss, sample_losses
from tests.unlearning.methods.small import NETWORKS, Seen, assert_same, distance, run

SETTINGS = {"steps": 5, "inner_period": 2, "learning_rate": 0.05, "ascent": 3.0, "forget_clip": 0.5}
FORGET_BATCHES, RETAIN_BATCHES = 2, 3  # of 6 and 9 samples, 4 at a time
STEPS, PERIOD, RATE, ASCENT = 5, 2, 0.05, 3.0


@dataclass(frozen=True)
class Reading:
    """One way to read SFR-on."""

    falls: str
    over_set: bool  # the weights are normalised over the whole forget set
    set_fisher: bool
    plain: bool  # the forget step shares nothing with the optimizer
    after_inner_loop: bool
    outer: float = 1.0
    saliency: bool = True
    adaptive: bool = True
    retain: bool = True
    online: bool = True


PAPER = Reading("linear", over_set=True, set_fisher=True, plain=True, after_inner_loop=True)
CODE = Reading("cosine", over_set=False, set_fisher=False, plain=False, after_inner_loop=False)
READINGS = pytest.mark.parametrize(("reading", "points"), [("paper", PAPER), ("code", CODE)])


def slow_fisher(model: nn.Module, seen: list[Seen], of_set: bool) -> Gradients:
    """Return the squared gradient of the set's mean loss, or the mean over batches of the squares of theirs."""
    count = sum(len(one.batch) for one in seen)
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in seen:
        assert not one.training
        for name, g in gradient(model, mean_loss(model, one)).items():
            total[name] += g * len(one.batch) / count if of_set else g * g / len(seen)
    return {name: g * g for name, g in total.items()} if of_set else total


def slow_mask(model: nn.Module, queue: Iterator[Seen], points: Reading) -> Gradients:
    """Return 1 where a weight may move in a forget step."""
    if not points.saliency:
        return {name: torch.ones_like(p) for name, p in model.named_parameters()}
    model.eval()
    forget = slow_fisher(model, [next(queue) for _ in range(FORGET_BATCHES)], points.set_fisher)
    retain = slow_fisher(model, [next(queue) for _ in range(RETAIN_BATCHES)], points.set_fisher)
    mask = {name: ((f + 1e-15) / (retain[name] + 1e-15) >= 1).double() for name, f in forget.items()}
    shares = torch.cat([m.flatten() for m in mask.values()])
    assert 0 < shares.mean() < 1, "the mask decides nothing"
    return mask


def slow_weights(model: nn.Module, queue: Iterator[Seen], points: Reading) -> tuple[list[float], Seen]:
    """Return the weight of each sample of the next forget batch, and the batch."""
    if not points.adaptive:
        one = next(queue)
        return [1 / len(one.batch)] * len(one.batch), one
    if points.over_set:
        whole = next(queue)
        assert not whole.training
        assert sorted(whole.batch.index.tolist()) == list(range(6))
        model.eval()
        with torch.no_grad():
            losses = sample_losses(model, whole)
        inverse = {int(i): 1 / x.item() ** 0.5 for i, x in zip(whole.batch.index, losses, strict=True)}
        one = next(queue)
        shares = [6 * inverse[int(i)] / sum(inverse.values()) for i in one.batch.index]
        return [share / len(one.batch) for share in shares], one
    one = next(queue)
    with torch.no_grad():  # on a copy: the running statistics must not move twice
        inverses = [1 / x.item() ** 0.5 for x in sample_losses(copy.deepcopy(model).train(), one)]
    return [w / sum(inverses) for w in inverses], one


def slow_forget_gradient(
    model: nn.Module, queue: Iterator[Seen], mask: Gradients, multiplier: float, points: Reading
) -> Gradients:
    """Return clip(m ⊙ −a Σ_i w_i ∇ℓ_i), weights and norm found in plain loops."""
    weights, one = slow_weights(model, queue, points)
    model.train()
    losses = sample_losses(model, one)
    weighted: Tensor = sum(w * loss for w, loss in zip(weights, losses, strict=True))
    found = {name: g * mask[name] for name, g in gradient(model, -multiplier * weighted).items()}
    norm = math.sqrt(sum(v * v for g in found.values() for v in g.flatten().tolist()))
    return {name: g * min(1.0, 0.5 / (norm + 1e-6)) for name, g in found.items()}


def reference(model: nn.Module, seen: list[Seen], points: Reading) -> nn.Module:
    """Return the unlearned model from the batches that the method asked for, by plain loops."""
    expected = copy.deepcopy(model)
    queue = iter(seen)
    mask = slow_mask(expected, queue, points)
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    slow = {name: p.detach().clone() for name, p in expected.named_parameters()}
    for t in range(STEPS):
        cosine, linear = (1 + math.cos(math.pi * t / STEPS)) / 2, 1 - t / STEPS
        rate = RATE * cosine
        fallen = {"cosine": cosine, "linear": linear, "power": linear**3, "constant": 1.0}[points.falls]
        pending = {name: torch.zeros_like(p) for name, p in expected.named_parameters()}
        if t % PERIOD == 0:
            ascent = slow_forget_gradient(expected, queue, mask, ASCENT * fallen, points)
            if points.retain and not points.online:
                pending = ascent
            elif points.plain:
                for name, p in expected.named_parameters():
                    p.data = p.data - rate * ascent[name]
            else:
                optimizer.step(ascent, rate)
        if not points.retain:
            continue
        descent = gradient(expected.train(), mean_loss(expected, next(queue)))
        optimizer.step({name: g + pending[name] for name, g in descent.items()}, rate)
        ends = (t + 1) % PERIOD == 0 or t + 1 == STEPS
        if points.online and (ends or not points.after_inner_loop):
            for name, p in expected.named_parameters():
                p.data = (1 - points.outer) * slow[name] + points.outer * p.data
                slow[name] = p.detach().clone()
    assert next(queue, None) is None
    return expected


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("outer_lr", [1.0, 0.3])
@READINGS
def test_equals_the_loop_of_the_paper(network: str, outer_lr: float, reading: str, points: Reading) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("sfr_on", model, {**SETTINGS, "outer_lr": outer_lr}, reading=reading)
    assert_same(unlearned, reference(model, seen, replace(points, outer=outer_lr)))


# switch → (field, its value where the switch is on, its value where it is off)
FIELDS: dict[str, tuple[str, str, str]] = {
    "over_set": ("normalised_over", "set", "batch"),
    "set_fisher": ("fisher", "set", "batches"),
    "plain": ("forget_step", "plain", "optimizer"),
    "after_inner_loop": ("outer_after", "inner_loop", "retain_step"),
}
TURNED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"ascent_schedule": "linear"}, {"falls": "linear"}),
    ({"ascent_schedule": "cosine"}, {"falls": "cosine"}),
    ({"ascent_schedule": "power", "ascent_power": 3.0}, {"falls": "power"}),
    ({"ascent_schedule": "constant"}, {"falls": "constant"}),
    *[({field: on}, {switch: True}) for switch, (field, on, _) in FIELDS.items()],
    *[({field: off}, {switch: False}) for switch, (field, _, off) in FIELDS.items()],
    *[
        ({field: False}, {switch: False})
        for field, switch in (("saliency", "saliency"), ("adaptive", "adaptive"))
    ],
    ({"retain_step": False}, {"retain": False}),
    ({"online": False}, {"online": False}),
    (
        {"online": False, "adaptive": False, "saliency": False},
        {"online": False, "adaptive": False, "saliency": False},
    ),
]


@pytest.mark.parametrize(("settings", "switches"), TURNED, ids=lambda v: "-".join(map(str, v.values())))
@READINGS
def test_every_point_of_difference_and_every_component_is_a_field(
    reading: str, points: Reading, settings: dict, switches: dict
) -> None:
    model = NETWORKS["conv_net"]()
    base = {**SETTINGS, "outer_lr": 0.6}
    turned, usual = replace(points, outer=0.6, **switches), replace(points, outer=0.6)
    unlearned, seen = run("sfr_on", model, {**base, **settings}, reading=reading)
    assert_same(unlearned, reference(model, seen, turned))
    plain, _ = run("sfr_on", model, base, reading=reading)
    assert (distance(unlearned, plain) > 1e-7) == (turned != usual)


def test_masked_weights_move_in_the_code_and_stay_in_the_papers_forget_steps() -> None:
    model = NETWORKS["conv_net"]()
    settings = {**SETTINGS, "retain_step": False, "saliency_ratio": 1.5, "fisher": "batches"}
    moved = {}
    for reading in ("paper", "code"):
        unlearned, seen = run("sfr_on", model, settings, reading=reading)
        scratch = copy.deepcopy(model).eval()
        forget = slow_fisher(scratch, seen[:FORGET_BATCHES], False)
        retain = slow_fisher(scratch, seen[FORGET_BATCHES : FORGET_BATCHES + RETAIN_BATCHES], False)
        masked = [forget[name] < 1.5 * retain[name] for name in forget]
        pairs = zip(unlearned.parameters(), model.parameters(), masked, strict=True)
        changed = [((a != b)[m], (a != b)[~m]) for a, b, m in pairs]
        moved[reading] = [sum(int(part.sum()) for part in parts) for parts in zip(*changed, strict=True)]
        assert sum(int(m.sum()) for m in masked) > 5
    assert moved["paper"][0] == 0
    assert moved["code"][0] > 0, "weight decay moves them"
    assert moved["paper"][1] > 0


def test_fisher_may_be_of_the_first_batches_alone() -> None:
    model = NETWORKS["conv_net"]()
    settings = {**SETTINGS, "fisher": "batches", "fisher_batches": 1}
    _, seen = run("sfr_on", model, settings, reading="code")
    _, whole = run("sfr_on", model, {**settings, "fisher_batches": 0}, reading="code")
    assert len(whole) - len(seen) == FORGET_BATCHES - 1 + RETAIN_BATCHES - 1


def test_full_outer_rate_is_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    model = NETWORKS["conv_net"]()
    full, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 1.0}, reading="code")
    half, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 0.5}, reading="code")
    monkeypatch.setattr(sfr_on, "follow", lambda slow, parameters, rate: None)
    without, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 1.0}, reading="code")
    assert distance(full, without) == 0.0
    assert distance(half, without) > 1e-4


def test_outer_rate_zero_moves_statistics_only() -> None:
    model = NETWORKS["conv_net"]()
    still, _ = run("sfr_on", model, {**SETTINGS, "outer_lr": 0.0}, reading="code")
    assert distance(still, model) == 0.0
    assert not torch.equal(still[1].running_mean, model[1].running_mean)


@READINGS
def test_switches_change_the_forget_step_alone(reading: str, points: Reading) -> None:
    model = NETWORKS["two_layer"]()
    plain = {**SETTINGS, "momentum": 0.0, "weight_decay": 0.0}
    none_salient, _ = run("sfr_on", model, {**plain, "saliency_ratio": 1e30}, reading=reading)
    no_ascent, _ = run("sfr_on", model, {**plain, "ascent": 0.0}, reading=reading)
    assert distance(none_salient, no_ascent) == 0.0
    full, _ = run("sfr_on", model, plain, reading=reading)
    assert distance(full, no_ascent) > 1e-6
    flat, _ = run("sfr_on", model, {**plain, "adaptivity": 0.0}, reading=reading)
    uniform, _ = run("sfr_on", model, {**plain, "adaptive": False}, reading=reading)
    assert distance(flat, uniform) < 1e-12


def test_a_sample_without_loss_keeps_the_weights_finite() -> None:
    losses_B = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    loss = sfr_on.adaptive_loss(losses_B, 0.5)
    loss.backward()
    assert torch.isfinite(losses_B.grad).all()
    assert losses_B.grad.sum() == pytest.approx(1.0)
    assert losses_B.grad.argmax() == 0


def test_forget_multiplier_falls_from_one() -> None:
    for schedule, middle in (("cosine", 0.5), ("linear", 0.5), ("power", 0.25)):
        values = [sfr_on.decay(schedule, t, 10) for t in range(10)]
        assert values[0] == 1.0
        assert values == sorted(values, reverse=True)
        assert values[5] == pytest.approx(middle)
    assert sfr_on.decay("power", 5, 10, 3.0) == pytest.approx(0.125)
    assert sfr_on.decay("constant", 9, 10) == 1.0


def test_the_ledger_names_every_switch() -> None:
    method_card = card("sfr_on")
    fields_that_differ = {key for key, entry in method_card.hyperparameters.items() if entry.follows_reading}
    assert fields_that_differ == {*(field for field, _, _ in FIELDS.values()), "ascent_schedule"}
    assert len(method_card.divergences) == len(fields_that_differ)
