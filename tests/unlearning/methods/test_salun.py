from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, Seen, assert_same, run

SETTINGS = {"epochs": 2, "learning_rate": 0.1, "fraction": 0.3}
MASK_BATCHES = 2  # 6 forget samples in batches of 4


def slow_mask(model: nn.Module, seen: list[Seen], fraction: float) -> dict[str, Tensor]:
    """Return 1 for the entries of highest |Σ_b ∇(−CE)|, found by sorting a list of all of them."""
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in seen:
        assert not one.training
        for name, g in gradient(model, -mean_loss(model, one)).items():
            total[name] += g
    entries = [
        (abs(value), name, place)
        for name, g in total.items()
        for place, value in enumerate(g.flatten().tolist())
    ]
    chosen = sorted(entries, key=lambda e: -e[0])[: int(fraction * len(entries))]
    masks = {name: torch.zeros(p.numel(), dtype=torch.float64) for name, p in model.named_parameters()}
    for _, name, place in chosen:
        masks[name][place] = 1.0
    return {name: masks[name].view_as(p) for name, p in model.named_parameters()}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("hold", [True, False])
def test_equals_masked_descent(network: str, hold: bool) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("salun", model, {**SETTINGS, "hold": hold})
    expected = copy.deepcopy(model).eval()
    masks = slow_mask(expected, seen[:MASK_BATCHES], 0.3)
    optimizer = SlowSGD(expected.train(), 0.9, 5e-4)
    for one in seen[MASK_BATCHES:]:
        assert one.training
        found = gradient(expected, mean_loss(expected, one))
        optimizer.step({name: g * masks[name] for name, g in found.items()}, 0.1)
        if hold:
            for (name, p), start in zip(expected.named_parameters(), model.parameters(), strict=True):
                p.data = masks[name] * p.data + (1 - masks[name]) * start.data
    assert_same(unlearned, expected)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_only_the_share_moves_when_held(fraction: float) -> None:
    model = NETWORKS["conv_net"]()
    held, _ = run("salun", model, {**SETTINGS, "fraction": fraction})
    moved = sum(int((a != b).sum()) for a, b in zip(held.parameters(), model.parameters(), strict=True))
    total = sum(p.numel() for p in model.parameters())
    assert moved == int(fraction * total)


def test_weight_decay_moves_the_others_when_not_held() -> None:
    model = NETWORKS["conv_net"]()
    free, _ = run("salun", model, {**SETTINGS, "hold": False, "weight_decay": 0.01})
    moved = sum(int((a != b).sum()) for a, b in zip(free.parameters(), model.parameters(), strict=True))
    nonzero = sum(int((p != 0).sum()) for p in model.parameters())
    assert moved >= nonzero


def test_mask_sees_the_forget_set_only() -> None:
    _, seen = run("salun", NETWORKS["two_layer"](), SETTINGS)
    mask, rest = seen[:MASK_BATCHES], seen[MASK_BATCHES:]
    assert sorted(int(i) for one in mask for i in one.batch.index) == list(range(6))
    assert [{int(i) < 6 for i in one.batch.index} for one in rest[:5]] == [{True}] * 2 + [{False}] * 3
