from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.study.recipes import Recipe
from reunlearn.unlearning.methods.eu_k import reset_to_fresh, reset_to_kaiming
from tests.unlearning.methods.small import CLASSES, NETWORKS, assert_same, distance
from tests.unlearning.methods.watched import perturbed, watch

SETTINGS: dict[str, Any] = {"epochs": 2, "k": 2}
LAST = ("2.", "3.", "6.")  # modules of `deep` that are its last two layers


def deep() -> nn.Module:
    """Return conv – BatchNorm – conv – BatchNorm – linear for 4×4 images, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        body = [nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4)]
        return nn.Sequential(*body, nn.Tanh(), nn.Flatten(), nn.Linear(36, CLASSES)).double()


def fresh(seed: int) -> nn.Module:
    return perturbed(deep(), seed)


def other_end(model: nn.Module) -> nn.Module:
    """Return a copy whose last two layers and their BatchNorm have other weights and statistics."""
    changed = copy.deepcopy(model)
    for module in (changed[2], changed[3], changed[6]):
        perturbed(module, 9)
    with torch.no_grad():
        changed[3].running_mean.add_(1.0)
        changed[3].running_var.mul_(3.0)
    return changed


def test_the_last_layers_start_as_a_fresh_network() -> None:
    model, new = deep(), fresh(4)
    with torch.no_grad():
        new[3].running_mean.fill_(0.25)
    before = copy.deepcopy(model.state_dict())
    reset_to_fresh(model, new, 2)
    for name, value in model.state_dict().items():
        source = new.state_dict() if name.startswith(LAST) else before
        assert torch.equal(value, source[name]), name
    assert distance(model, new) > 0.1, "the control: the first layers are not the fresh ones"


def test_the_code_draws_kaiming_weights_and_keeps_batchnorm() -> None:
    model = nn.Sequential(nn.Linear(400, 300), nn.BatchNorm1d(300), nn.Linear(300, 200)).double()
    with torch.no_grad():
        model[1].running_mean.fill_(0.5)
    before = copy.deepcopy(model.state_dict())
    reset_to_kaiming(model, 2, torch.Generator().manual_seed(0))
    for layer, inputs in ((model[0], 400), (model[2], 300)):
        assert layer.weight.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.02)
        assert not layer.bias.any()
    kept = model.state_dict()
    assert all(torch.equal(kept[name], before[name]) for name in before if name.startswith("1."))


@pytest.mark.parametrize(("name", "reading"), [("eu_k", "paper"), ("eu_k", "code"), ("cf_k", None)])
def test_nothing_of_the_last_layers_survives_in_the_papers_reading(name: str, reading: str | None) -> None:
    model = deep()
    first, second = (
        watch(name, start, SETTINGS, reading, fresh=fresh)[0] for start in (model, other_end(model))
    )
    if (name, reading) == ("eu_k", "paper"):
        assert_same(first, second, tolerance=0)
    else:
        assert distance(first, second) > 1e-3


def test_the_code_keeps_nothing_but_batchnorm() -> None:
    model, other = deep(), deep()
    for index in (2, 6):
        perturbed(other[index], 9)
    first, second = (watch("eu_k", start, SETTINGS, "code")[0] for start in (model, other))
    assert_same(first, second, tolerance=0)


@pytest.mark.parametrize("reading", ["paper", "code"])
def test_what_comes_after_the_start_is_cf_k(reading: str) -> None:
    """Both draw the start first: CF-k from that start, with the randomness that follows it, is EU-k."""
    start, generator = deep(), torch.Generator().manual_seed(0)
    if reading == "paper":
        seed = int(torch.randint(2**31 - 1, (), generator=generator))
        reset_to_fresh(start, fresh(seed), 2)
    else:
        reset_to_kaiming(start, 2, generator)
    settings = {**SETTINGS, "augmented": False, "learning_rate": 0.05}
    exact, watcher, _ = watch("eu_k", deep(), settings, reading, fresh=fresh)
    replayed = copy.deepcopy(start)
    orders = iter(watcher.seen)
    method_steps(replayed, orders, 0.05)
    assert_same(exact, replayed)


def method_steps(model: nn.Module, seen, rate: float) -> None:
    """Descend on the recorded batches with torch's SGD; two epochs of sgdr have the same rate."""
    moving = [p for name, p in model.named_parameters() if name.startswith(LAST)]
    optimizer = torch.optim.SGD(moving, lr=rate, momentum=0.9, weight_decay=5e-5)
    model.train()
    model[1].eval()
    for one in seen:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(one.batch.x), one.draw).backward()
        torch.nn.utils.clip_grad_norm_(moving, 10.0)
        optimizer.step()


@pytest.mark.parametrize(("chosen", "epochs"), [(0, 5), (3, 3)])
def test_epochs_are_the_originals_unless_chosen(chosen: int, epochs: int) -> None:
    _, watcher, _ = watch(
        "eu_k",
        deep(),
        {**SETTINGS, "epochs": chosen},
        fresh=fresh,
        recipe=Recipe(epochs=5, batch_size=8, learning_rate=0.1),
    )
    assert len(watcher.seen) == epochs * 3  # 9 retain samples in batches of 4
    assert {int(i) for one in watcher.seen for i in one.batch.index} == set(range(6, 15))


def test_the_layers_before_stay() -> None:
    model = NETWORKS["conv_net"]()
    for reading in ("paper", "code"):
        unlearned, _, _ = watch(
            "eu_k",
            model,
            {"epochs": 2, "k": 1},
            reading,
            fresh=lambda s: perturbed(NETWORKS["conv_net"](), s),
        )
        after = unlearned.state_dict()
        changed = {n for n, value in model.state_dict().items() if not torch.equal(after[n], value)}
        assert changed == {"5.weight", "5.bias"}
