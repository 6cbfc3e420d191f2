"""Methods that teach wrong labels equal their references, in both readings."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from .harness import NETS, Drawn, Run, assert_equal, epochs, run
from .mutations import Mutation, mutated
from .references import amnesiac_relabel, random_labels, salun

METHOD = "reunlearn.unlearning.methods."
SHARED = "reunlearn.unlearning.relabelling"


def paired(drawn: Sequence[Drawn]) -> list[tuple[Drawn, Drawn]]:
    """The forget and the retain part of each step."""
    assert [d.set for d in drawn] == ["forget", "retain"] * (len(drawn) // 2)
    return list(zip(drawn[::2], drawn[1::2], strict=True))


def labels_for(ours: Run, batches: Sequence[Drawn], anew_after: int | None) -> list[dict[int, int]]:
    """The label of each sample of each forget batch: drawn when first met, after so many batches drawn anew."""
    draws, known, found = iter(ours.labels), {}, []
    for number, batch in enumerate(batches):
        if anew_after and number % anew_after == 0:
            known = {}
        if set(batch.index.tolist()) - set(known):
            drawn = next(draws, None)
            assert drawn is not None, "no labels were drawn for a new sample"
            _, index, labels = drawn
            assert torch.equal(index, batch.index)
            known |= dict(zip(index.tolist(), labels.tolist(), strict=True))
        found.append({i: known[i] for i in batch.index.tolist()})
    assert next(draws, None) is None
    return found


def joined_steps(ours: Run, drawn: Sequence[Drawn]) -> list[Any]:
    """The paper's reading: one set, labels drawn once."""
    steps = []
    pairs = paired(drawn)
    for (forget, retain), labels in zip(pairs, labels_for(ours, [f for f, _ in pairs], None), strict=True):
        wrong = [labels[i] for i in forget.index.tolist()] + [-1] * len(retain.y)
        is_forget = [True] * len(forget.y) + [False] * len(retain.y)
        x, y = torch.cat([forget.x, retain.x]), torch.cat([forget.y, retain.y])
        steps.append(("joined", x, y, is_forget, torch.tensor(wrong)))
    return steps


def parted_steps(ours: Run, drawn: Sequence[Drawn], forget_steps: int) -> list[Any]:
    """The code's reading: forget, then retain; labels drawn anew in each epoch."""
    batches = [d for d in drawn if len(d.y)]
    labels = iter(labels_for(ours, [d for d in batches if d.set == "forget"], forget_steps))
    steps: list[Any] = []
    for d in batches:
        if d.set == "forget":
            of = next(labels)
            steps.append(("forget", d.x, d.y, torch.tensor([of[i] for i in d.index.tolist()])))
        else:
            steps.append(("retain", d.x, d.y))
    return steps


def steps_of(ours: Run, reading: str, size: int, skipped: int = 0) -> tuple[list[list[Any]], bool]:
    """Epochs in the reference's words, and whether only wrong labels may be drawn."""
    drawn = ours.drawn[skipped:]
    if reading == "paper":
        return epochs(joined_steps(ours, drawn), math.ceil(17 / size)), True
    forget, retain = math.ceil(6 / size), math.ceil(11 / size)
    return epochs(parted_steps(ours, drawn, forget), forget + retain), False


def compare_random_labels(kind: str, reading: str) -> None:
    """Two epochs, cosine as by default; batches of five, so that the last ones are smaller."""
    ours = run(f"random_labels@{reading}", kind, {"epochs": 2, "batch_size": 5})
    steps, wrong_only = steps_of(ours, reading, 5)
    expected = random_labels.reference(
        copy.deepcopy(ours.before),
        steps,
        wrong_only=wrong_only,
        optimizer=ours.optimizer(),
        learning_rates=[0.003, 0.0015],
    )
    assert_equal(ours, expected)


def compare_salun(kind: str, reading: str, hold: bool = True) -> None:
    """Half of the weights; by the paper every forget sample weighs the same in the mask."""
    chosen = {"epochs": 2, "batch_size": 5, "hold": hold, "weight_decay": 0.1}
    ours = run(f"salun@{reading}", kind, chosen)
    mask = ours.drawn[:2]  # five images and one
    assert [len(d.y) for d in mask] == [5, 1]
    mask_batches = [(d.x, d.y) for d in mask]
    if reading == "paper":
        mask_batches = [(torch.cat([x for x, _ in mask_batches]), torch.cat([y for _, y in mask_batches]))]
    steps, wrong_only = steps_of(ours, reading, 5, skipped=2)
    expected = salun.reference(
        copy.deepcopy(ours.before),
        steps,
        mask_batches=mask_batches,
        fraction=0.5,
        hold="exact" if hold else "gradient_only",
        wrong_only=wrong_only,
        optimizer=ours.optimizer(),
        learning_rates=0.013,
    )
    assert_equal(ours, expected)


def compare_amnesiac(kind: str) -> None:
    """Three epochs of Adam on one set."""
    ours = run("amnesiac_relabel", kind, {"batch_size": 5})
    pairs = paired(ours.drawn)
    known: dict[int, int] = {}
    for labels in labels_for(ours, [f for f, _ in pairs], None):
        known |= labels
    assert sorted(known) == list(range(6))
    steps = [(torch.cat([f.x, r.x]), torch.cat([f.y, r.y]), torch.cat([f.index, r.index])) for f, r in pairs]
    expected = amnesiac_relabel.reference(
        copy.deepcopy(ours.before),
        epochs(steps, 4),
        wrong_labels=known,
        optimizer={"name": "adam"},
        learning_rates=1e-4,
    )
    assert len(steps) == 12
    assert_equal(ours, expected)


COMPARISONS = {
    "random_labels@paper": lambda kind: compare_random_labels(kind, "paper"),
    "random_labels@code": lambda kind: compare_random_labels(kind, "code"),
    "salun@paper": lambda kind: compare_salun(kind, "paper"),
    "salun@code": lambda kind: compare_salun(kind, "code"),
    "salun@paper, not held": lambda kind: compare_salun(kind, "paper", hold=False),
    "amnesiac_relabel": compare_amnesiac,
}

MUTATIONS: dict[str, Mutation] = {
    "random_labels@paper": (
        METHOD + "random_labels",
        "loss(model, batch, draw)",
        "loss(model, batch, batch.y)",
    ),
    "random_labels@code": (SHARED, "torch.cat((wrong, truth))", "torch.cat((forget.y, truth))"),
    "salun@paper": (METHOD + "salun", "(1 if by_batch else len(batch))", "1"),
    "salun@code": (METHOD + "salun", "[g.abs() for g", "[g for g"),
    "salun@paper, not held": (METHOD + "salun", "parameter.grad *= mask", "pass"),
    "amnesiac_relabel": (SHARED, "yield join(forget, retain)", "yield join(retain, forget)"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


@pytest.mark.parametrize("name", ["random_labels@paper", "salun@paper", "amnesiac_relabel"])
def test_labels_drawn_anew_would_be_noticed(name: str) -> None:
    with mutated(SHARED, 'chosen(self, "redraw") == "epoch"', "True"), pytest.raises(AssertionError):
        COMPARISONS[name]("two_layer")


@pytest.mark.parametrize("name", ["random_labels@code", "salun@code"])
def test_labels_drawn_once_would_be_noticed(name: str) -> None:
    with mutated(SHARED, 'chosen(self, "redraw") == "epoch"', "False"), pytest.raises(AssertionError):
        COMPARISONS[name]("two_layer")
