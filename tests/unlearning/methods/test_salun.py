from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from reunlearn.unlearning.registry import card
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Seen, assert_same, distance, run

SETTINGS = {"epochs": 2, "learning_rate": 0.1, "fraction": 0.3}
MASK_BATCHES = 2  # 6 forget samples in batches of 4


def slow_mask(
    model: nn.Module, seen: list[Seen], fraction: float, by_sample: bool = False
) -> dict[str, Tensor]:
    """Return 1 for the entries of highest |Σ ∇(−CE)| over batches or samples, found by sorting all of them."""
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for one in seen:
        assert not one.training
        for name, g in gradient(model, -mean_loss(model, one)).items():
            total[name] += g * len(one.batch) if by_sample else g
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
@pytest.mark.parametrize("reading", ["paper", "code"])
def test_equals_masked_descent(network: str, hold: bool, reading: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("salun", model, {**SETTINGS, "hold": hold}, reading=reading)
    expected = copy.deepcopy(model).eval()
    masks = slow_mask(expected, seen[:MASK_BATCHES], 0.3, by_sample=reading == "paper")
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
@pytest.mark.parametrize("reading", ["paper", "code"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_only_the_share_moves_when_held(fraction: float, reading: str, optimizer: str) -> None:
    model = NETWORKS["conv_net"]()
    settings = {**SETTINGS, "fraction": fraction, "optimizer": optimizer, "weight_decay": 0.01}
    held, _ = run("salun", model, settings, reading=reading)
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
    _, seen = run("salun", NETWORKS["two_layer"](), SETTINGS, reading="code")
    mask, rest = seen[:MASK_BATCHES], seen[MASK_BATCHES:]
    assert sorted(int(i) for one in mask for i in one.batch.index) == list(range(6))
    assert [{int(i) < 6 for i in one.batch.index} for one in rest[:5]] == [{True}] * 2 + [{False}] * 3


def wrong_labels(seen: list[Seen], epochs: int) -> list[dict[int, int]]:
    """Return {index: label} of the forget set in each epoch."""
    steps, found = seen[MASK_BATCHES:], []
    for part in range(epochs):
        some = steps[part * len(steps) // epochs : (part + 1) * len(steps) // epochs]
        entries = [
            (int(i), int(label)) for one in some for i, label in zip(one.batch.index, one.draw, strict=True)
        ]
        found.append({i: label for i, label in entries if i < 6})
    return found


def test_labels_and_order_follow_the_reading() -> None:
    settings = {**SETTINGS, "epochs": 6}
    _, paper = run("salun", NETWORKS["two_layer"](), settings, reading="paper")
    _, code = run("salun", NETWORKS["two_layer"](), settings, reading="code")
    once, anew = wrong_labels(paper, 6), wrong_labels(code, 6)
    assert all(labels == once[0] and all(v != i % CLASSES for i, v in labels.items()) for labels in once)
    assert any(labels != anew[0] for labels in anew)
    assert any(v == i % CLASSES for labels in anew for i, v in labels.items())
    kinds = [{int(i) < 6 for i in one.batch.index} for one in paper[MASK_BATCHES:]]
    assert {True, False} in kinds, "the paper's batches hold samples of both sets"


def test_each_field_alone_turns_one_reading_into_the_other() -> None:
    model = NETWORKS["conv_net"]()
    differ = {key: entry for key, entry in card("salun").hyperparameters.items() if entry.follows_reading}
    assert set(differ) == {"label_rule", "redraw", "order", "saliency_sum"}
    assert len(card("salun").divergences) == len(differ)
    as_code = {key: entry.code for key, entry in differ.items()}
    by_hand, _ = run("salun", model, {**SETTINGS, **as_code}, reading="paper")
    code, _ = run("salun", model, SETTINGS, reading="code")
    assert distance(by_hand, code) == 0
    for key, entry in differ.items():
        almost, _ = run("salun", model, {**SETTINGS, **as_code, key: entry.paper}, reading="paper")
        assert distance(almost, code) > 1e-7, key
