"""Selective synaptic dampening against a plain loop, and what it selects."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unlearning.making import make
from tests.unlearning.methods.double_precision import conv_net, make_samples, make_task, memorise
from tests.unlearning.methods.slow import Gradients, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, Seen, assert_same, distance, run

SETTINGS = {"selection": 1.2, "dampening": 0.9}


def importance(model: nn.Module, seen: list[Seen]) -> Gradients:
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in seen:
        assert not one.training
        for name, g in gradient(model, mean_loss(model, one)).items():
            total[name] += g**2 / len(seen)
    return total


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_equals_the_loop(network: str, shuffle: bool) -> None:
    model = NETWORKS[network]().eval()
    found, seen = run("ssd", model, {**SETTINGS, "shuffle": shuffle})
    assert [len(s.batch) for s in seen] == [4, 2, 4, 4, 4, 3]  # 6 to forget, then 15 altogether
    indices = torch.cat([s.batch.index for s in seen[2:]]).tolist()
    assert (indices == [*range(6, 15), *range(6)]) == (not shuffle)
    assert sorted(indices) == list(range(15))
    expected = copy.deepcopy(model)
    forget, everything = importance(expected, seen[:2]), importance(expected, seen[2:])
    chosen = 0
    for name, p in expected.named_parameters():
        for w, f, d in zip(p.data.view(-1), forget[name].view(-1), everything[name].view(-1), strict=True):
            if f > 1.2 * d:
                w *= min(0.9 * float(d / f), 1.0)
                chosen += 1
    assert 0 < chosen < sum(p.numel() for p in expected.parameters())
    assert_same(found, expected)


def test_no_weight_grows_or_turns() -> None:
    model = NETWORKS["conv_net"]()
    found, _ = run("ssd", model, {"selection": 0.1, "dampening": 50.0})
    for a, b in zip(found.parameters(), model.parameters(), strict=True):
        assert (a.abs() <= b.abs()).all() and (a * b >= 0).all()
    assert torch.equal(found[1].running_mean, model[1].running_mean)


def selected(forget: np.ndarray, labels: np.ndarray, selection: float) -> float:
    """Return the share of weights that a trained network loses when these rows are forgotten."""
    whole = make_samples(len(labels), seed=1, labels=labels)
    model = memorise(conv_net(), whole)
    sets: dict[str, Tensor] = {}
    for name, rows in (("forget", forget), ("retain", np.setdiff1d(np.arange(len(labels)), forget))):
        sets[name] = copy.copy(whole)
        for part in ("x_NHWC", "y", "index"):
            setattr(sets[name], part, getattr(whole, part)[rows])
    noted: list[dict[str, float]] = []
    settings = {"selection": selection, "batch_size": 16}
    task = make_task("ssd", sets, settings, log=noted.append)
    make("ssd", None, settings).unlearn(model, task)
    return noted[0]["selected_share"]


def test_a_random_fifth_selects_almost_nothing_and_a_class_does() -> None:
    """Published: the larger a random forget set, the nearer F_f to F_D, and nothing exceeds ten times F_D."""
    labels = np.arange(240) % 3
    drawn = [np.random.default_rng(seed).permutation(240) for seed in range(3)]
    assert max(selected(rows[:48], labels, 10.0) for rows in drawn) <= 0.005
    assert max(selected(rows[:2], labels, 10.0) for rows in drawn) > 0.1, "two samples can stand out"
    one_class = np.flatnonzero(labels == 1)
    assert selected(one_class, labels, 1.5) > 2 * max(selected(rows[:48], labels, 1.5) for rows in drawn)


def test_nothing_selected_is_the_original() -> None:
    model = NETWORKS["two_layer"]()
    found, _ = run("ssd", model, {"selection": 1e9})
    assert distance(found, model) == 0
