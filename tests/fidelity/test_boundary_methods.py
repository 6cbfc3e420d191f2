"""Boundary shrink and boundary expanding equal their references."""

from __future__ import annotations

import copy
import math
from functools import partial

import pytest
import torch

from .harness import CLASSES, NETS, assert_equal, run
from .mutations import Mutation
from .references import boundary_expanding as expanding_reference
from .references import boundary_shrink as shrink_reference

METHOD, GRADIENTS = "reunlearn.unlearning.methods.", "reunlearn.gradients."
SETTINGS = {"epochs": 2, "batch_size": 4, "learning_rate": 0.05, "weight_decay": 1e-3}
OWN_MEAN, OWN_STD = (0.4, 0.4, 0.4), (0.3, 0.3, 0.3)  # of the harness's images
REPOSITORY_MEAN, REPOSITORY_STD = (0.4914, 0.4822, 0.2265), (0.2023, 0.1994, 0.2010)


def compare_shrink(kind: str, reading: str) -> None:
    """Both round to 1/255; the repository's constants are for the three channels of two_layer's images."""
    ours = run(f"boundary_shrink@{reading}", kind, {**SETTINGS, "bound": 0.3})
    drawn = ours.of("forget")
    repository = reading == "paper" and drawn[0].x.shape[1] == 3
    expected = shrink_reference.reference(
        copy.deepcopy(ours.before),
        {"forget": [(d.x, d.y) for d in drawn]},
        learning_rate=0.05,
        weight_decay=1e-3,
        bound=0.3,
        mean=REPOSITORY_MEAN if repository else OWN_MEAN,
        std=REPOSITORY_STD if repository else OWN_STD,
        discretise=True,
    )
    assert ours.logged[0]["crossed"] > 0
    assert_equal(ours, expected)


def compare_expanding(kind: str, reading: str) -> None:
    """The fresh unit as drawn; with it gone both readings return K outputs, and tell what it had won."""
    ours = run(f"boundary_expanding@{reading}", kind, SETTINGS)
    inputs = ours.before.head.in_features
    if reading == "paper":
        new_row, new_bias = math.sqrt(2 / (inputs + CLASSES + 1)) * ours.randoms("randn")[0], 0.0
    else:
        both = (2 * ours.randoms("rand")[0] - 1) / math.sqrt(inputs)
        new_row, new_bias = both[:-1], float(both[-1])
    drawn = [(d.x, d.y) for d in ours.of("forget")]
    per_pass = 2  # the last pass is for what the unit had won
    expected, expanded = (
        expanding_reference.reference(
            copy.deepcopy(ours.before),
            {"forget": drawn[: SETTINGS["epochs"] * per_pass]},
            last="head",
            new_row=new_row.double(),
            new_bias=new_bias,
            prune=prune,
            learning_rate=0.05,
            weight_decay=1e-3,
        )
        for prune in (True, False)
    )
    assert_equal(ours, expected)
    x, y = ours.all("forget")
    with torch.no_grad():
        guess = expanded.eval()(x).argmax(dim=1)
    assert ours.logged[-1]["extra_share"] == float((guess == CLASSES).double().mean())
    assert ours.logged[-1]["forget_accuracy_expanded"] == float((guess == y).double().mean())


COMPARISONS = {
    "boundary_shrink@paper": partial(compare_shrink, reading="paper"),
    "boundary_shrink@code": partial(compare_shrink, reading="code"),
    "boundary_expanding@paper": partial(compare_expanding, reading="paper"),
    "boundary_expanding@code": partial(compare_expanding, reading="code"),
}

MUTATIONS: dict[str, Mutation] = {
    "boundary_shrink@paper": (
        METHOD + "boundary_shrink",
        'self, "pixel_space") == "own"',
        'self, "pixel_space") != "own"',
    ),
    "boundary_shrink@code": (GRADIENTS + "adversarial", "bound * slope.sign()", "-bound * slope.sign()"),
    "boundary_expanding@paper": (
        METHOD + "boundary_expanding",
        "full_like(batch.y, outputs)",
        "full_like(batch.y, 0)",
    ),
    "boundary_expanding@code": (METHOD + "boundary_expanding", "both[:-1], both[-1:]", "both[1:], both[:1]"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
