from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from tests.unlearning.methods.slow import SlowSGD, gradient
from tests.unlearning.methods.small import CLASSES, NETWORKS, assert_same, distance, make_sets
from tests.unlearning.methods.watched import Passed, Watcher, perturbed, slow_divergence, watch

SGD: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.5, "epochs": 3, "share": 0.5}


def fresh_two_layer(seed: int) -> nn.Module:
    """Return a float32 network with weights of its own."""
    return perturbed(NETWORKS["two_layer"](), seed).float()


def fresh(network: str):
    return lambda seed: perturbed(NETWORKS[network](), seed)


def steps(watcher: Watcher) -> list[Passed]:
    return [one for one in watcher.passed if one.learning]


def bad_of(watcher: Watcher) -> nn.Module:
    """Return the teacher of forget batches."""
    return next(one.model for one in watcher.passed if not one.learning and int(one.batch.index.max()) < 6)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("reading", ["paper", "code"])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_equals_imitation_of_two_teachers(network: str, reading: str, temperature: float) -> None:
    model = NETWORKS[network]()
    settings = {**SGD, "temperature": temperature}
    unlearned, watcher, _ = watch("bad_teacher", model, settings, reading, fresh=fresh(network))
    good, bad = copy.deepcopy(model).eval(), copy.deepcopy(bad_of(watcher)).eval()
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.9, 0.0)
    for one in steps(watcher):
        assert one.training
        taught = [
            (bad if int(i) < 6 else good)(x[None])[0].detach()
            for i, x in zip(one.batch.index, one.batch.x, strict=True)
        ]
        loss = slow_divergence(torch.stack(taught), expected(one.batch.x), temperature)
        loss = loss / CLASSES if reading == "code" else loss
        optimizer.step(gradient(expected, loss), 0.5)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


def test_the_code_divides_by_the_classes() -> None:
    model = NETWORKS["two_layer"]()
    one_step = {**SGD, "epochs": 1, "batch_size": 100, "momentum": 0.0}
    paper, code = (
        watch("bad_teacher", model, one_step, f, fresh=fresh("two_layer"))[0] for f in ("paper", "code")
    )
    for start, a, b in zip(model.parameters(), paper.parameters(), code.parameters(), strict=True):
        torch.testing.assert_close(a - start, CLASSES * (b - start), rtol=1e-9, atol=1e-12)
    assert distance(paper, code) > 1e-3


@pytest.mark.parametrize("redraw", ["once", "epoch"])
def test_a_part_of_retain_is_used(redraw: str) -> None:
    sets = make_sets(6, 31)
    _, watcher, _ = watch(
        "bad_teacher",
        NETWORKS["two_layer"](),
        {**SGD, "share": 0.3, "redraw": redraw},
        sets=sets,
        fresh=fresh("two_layer"),
    )
    indices = [int(i) for one in steps(watcher) for i in one.batch.index]
    per_epoch = [sorted(indices[e * 15 : (e + 1) * 15]) for e in range(3)]  # 6 and ⌊0.3 · 31⌋ = 9
    for epoch in per_epoch:
        assert epoch[:6] == list(range(6))
        assert len(set(epoch)) == 15
    assert (per_epoch[0] == per_epoch[1] == per_epoch[2]) == (redraw == "once")


@pytest.mark.parametrize("student_mode", ["train", "eval"])
def test_mode_of_student_and_teachers(student_mode: str) -> None:
    model = NETWORKS["conv_net"]()
    unlearned, watcher, _ = watch(
        "bad_teacher", model, {**SGD, "student_mode": student_mode}, fresh=fresh("conv_net")
    )
    assert {one.training for one in steps(watcher)} == {student_mode == "train"}
    assert not any(one.training for one in watcher.passed if not one.learning)
    assert torch.equal(unlearned[1].running_mean, model[1].running_mean) == (student_mode == "eval")


def test_the_incompetent_teacher_takes_the_precision_and_follows_the_seed() -> None:
    model = NETWORKS["two_layer"]()
    teachers = [
        bad_of(watch("bad_teacher", model, SGD, fresh=fresh_two_layer, seed=seed)[1]) for seed in (1, 1, 2)
    ]
    assert all(p.dtype == torch.float64 for t in teachers for p in t.parameters())
    assert distance(teachers[0], teachers[1]) == 0
    assert distance(teachers[0], teachers[2]) > 0.1


def test_forget_is_answered_as_by_the_incompetent() -> None:
    model, sets = NETWORKS["two_layer"](), make_sets()
    unlearned, watcher, _ = watch(
        "bad_teacher", model, {**SGD, "epochs": 200, "share": 0.0}, fresh=fresh("two_layer")
    )
    x, bad = sets["forget"].take(slice(None)).x, bad_of(watcher)
    with torch.no_grad():
        after, before = (slow_divergence(bad(x), m(x), 1.0).item() for m in (unlearned, model))
    assert after < 0.1 * before
