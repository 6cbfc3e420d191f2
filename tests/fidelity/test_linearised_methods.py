"""Influence unlearning, NTK scrubbing and label corrections equal their references."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reunlearn.training.checkpoint import save_model
from reunlearn.training.state.initial_weights import FILE

from .harness import CLASSES, NETS, SIZES, Run, assert_equal, fresh_network, run
from .mutations import Mutation
from .references import influence as influence_reference
from .references import ntk as ntk_reference
from .references import warnecke_first_order as first_order_reference
from .references import warnecke_second_order as second_order_reference
from .references.plain_parts import (
    add_to,
    cross_entropy_sum,
    flat,
    gradients,
    joined,
    parameters_of,
    split_like,
)

METHOD, GRADIENTS = "reunlearn.unlearning.methods.", "reunlearn.gradients."
FLIPPED = {"kind": "label_flip", "count": 4}


def compare_influence(kind: str, reading: str, recursion: str) -> None:
    """A small N, which makes the recursion matter, and fewer samples than there are."""
    settings = {"alpha": 3.0, "recursion_size": 5, "samples": 8, "batch_size": 3, "augmented": False}
    ours = run(f"influence@{reading}", kind, settings)
    expected = influence_reference.reference(
        copy.deepcopy(ours.before),
        {"retain": ours.all("retain"), "forget": ours.all("forget")},
        alpha=3.0,
        number=5.0,
        maximum_samples=8,
        recursion=recursion,
    )
    assert_equal(ours, expected)


def scrubbed(kind: str, reading: str, **settings: Any) -> tuple[Run, nn.Module]:
    """Return our run, and the network that training started from."""
    start = fresh_network(kind, 7)
    with TemporaryDirectory() as folder:
        save_model(start, Path(folder) / FILE)
        recipe, state = {"weight_decay": 0.1}, {"initial_weights": Path(folder)}
        row, chosen = f"ntk@{reading}", {"batch_size": 3, **settings}
        return run(row, kind, chosen, recipe=recipe, state=state), start


def compare_ntk_code(kind: str) -> None:
    """Five of the retain set, in order; λ is the training's own; the trapezium trick lengthens Δ."""
    ours, start = scrubbed(kind, "code", retain_samples=5)
    rows = ours.randoms("randperm")[0][:5].sort().values
    x, y = ours.all("retain")
    expected = ntk_reference.reference(
        copy.deepcopy(ours.before),
        {"retain": (x[rows], y[rows]), "forget": ours.all("forget")},
        lambda_=0.1,
        initial={name: p.detach() for name, p in start.named_parameters()},
    )
    assert_equal(ours, expected)


def compare_ntk_paper(kind: str) -> None:
    """J and r are those of the initial weights; Δ is added to the trained ones."""
    ours, start = scrubbed(kind, "paper", retain_samples=0, weight_decay=0.3)
    expected = copy.deepcopy(ours.before)
    sets = [ours.all("retain"), joined([ours.all("retain"), ours.all("forget")])]
    found = [ntk_reference.jacobian_and_residual(start, samples) for samples in sets]
    counts = [len(y) for _, y in sets]
    w_retain, w_all = (
        ntk_reference.linear_solution(j, r, count, 0.3) for (j, r), count in zip(found, counts, strict=True)
    )
    parameters = parameters_of(expected)
    delta = w_retain - w_all
    error = flat(parameters) - flat(parameters_of(start)) - w_retain
    scale = ntk_reference.trapezium_scale(delta, error)
    add_to(parameters, split_like(delta, parameters), scale)
    assert_equal(ours, expected)


def clean_labels() -> Tensor:
    """Return the true labels of forget and retain by index; they differ from the taught ones now and then."""
    count = SIZES["forget"] + SIZES["retain"]
    return torch.randint(0, CLASSES, (count,), generator=torch.Generator().manual_seed(4))


def corrected(name: str, kind: str, scenario: dict[str, Any], **settings: Any) -> Run:
    """Return a run of a label correction."""
    return run(name, kind, settings, scenario=scenario, true_labels=clean_labels())


def training(ours: Run) -> tuple[Tensor, Tensor]:
    """Return forget and retain together, with their true labels."""
    x, _ = joined([ours.all("forget"), ours.all("retain")])
    return x, clean_labels()


def order_of_points(ours: Run, largest: int) -> list[int]:
    """Return the misclassified samples in the order in which they are drawn."""
    x, clean = training(ours)
    model = copy.deepcopy(ours.before).eval()
    wrong = [i for i in range(len(clean)) if int(model(x[i : i + 1]).argmax()) != int(clean[i])]
    assert len(wrong) > largest
    return [wrong[i] for i in ours.randoms("randperm")[0]]


def compare_first_order(kind: str) -> None:
    """Flipped labels: four of the misclassified samples, the last six tensors."""
    ours = corrected("warnecke_first_order", kind, FLIPPED, tau=0.02, largest=4)
    expected = first_order_reference.reference(
        copy.deepcopy(ours.before),
        {"training": training(ours)},
        tau=0.02,
        order=order_of_points(ours, 4),
        maximum=4,
    )
    assert_equal(ours, expected)


def compare_first_order_forget(kind: str) -> None:
    """The forget set instead: taught wrong, it gets the true label; taught right, it goes."""
    ours = corrected("warnecke_first_order", kind, FLIPPED, tau=0.02, points="forget", last_tensors=3)
    (x, taught), clean = ours.all("forget"), clean_labels()[: SIZES["forget"]]
    right = taught == clean
    assert 0 < right.sum() < len(right)
    data = {"training": (x, clean)}
    expected = first_order_reference.reference(
        copy.deepcopy(ours.before), data, tau=0.02, tensors=3, labels_of_z=taught
    )
    start = copy.deepcopy(ours.before).eval()
    lost = cross_entropy_sum(start(x[right]), taught[right])
    moved = first_order_reference.last_tensors(expected, 3)
    add_to(moved, gradients(lost, first_order_reference.last_tensors(start, 3)), 0.02)
    assert_equal(ours, expected)


def compare_second_order(
    kind: str, passes: int = 3, size: int = 6, scale: float = 40.0, dense: bool = False
) -> None:
    """LiSSA over batches of one order that is begun anew, or to its end against the inverse matrix."""
    settings = {"batch_size": size, "scale": scale, "damping": 0.1, "patience": 10**6, "passes": passes}
    ours = corrected("warnecke_second_order", kind, FLIPPED, largest=4, **settings)
    x, clean = training(ours)
    order = ours.randoms("randperm")[1]
    batches = [(x[rows], clean[rows]) for rows in order.split(size)]
    expected = second_order_reference.reference(
        copy.deepcopy(ours.before),
        {"training": (x, clean), "hessian": batches},
        scale=scale,
        damping=0.1,
        iterations=passes * len(batches),
        patience=None,
        dense=dense,
        order=order_of_points(ours, 4),
        maximum=4,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "influence@paper": partial(compare_influence, reading="paper", recursion="exact"),
    "influence@code": partial(compare_influence, reading="code", recursion="released"),
    "ntk@paper": compare_ntk_paper,
    "ntk@code": compare_ntk_code,
    "warnecke_first_order": compare_first_order,
    "warnecke_first_order@forget": compare_first_order_forget,
    "warnecke_second_order": compare_second_order,
    "warnecke_second_order@inverse": partial(
        compare_second_order, passes=400, size=17, scale=200.0, dense=True
    ),
}

MUTATIONS: dict[str, Mutation] = {
    "influence@paper": (GRADIENTS + "wood_fisher", "v_P - transposed", "v_P + transposed"),
    "influence@code": (GRADIENTS + "wood_fisher", "along_v + b * along_first", "along_v - b * along_first"),
    "ntk@paper": (METHOD + "ntk", "w_retain - w_all", "w_all - w_retain"),
    "ntk@code": (METHOD + "ntk", "count * shift", "shift"),
    "warnecke_first_order": ("reunlearn.unlearning.label_correction", "right) - learnt)", "right) + learnt)"),
    "warnecke_second_order": (GRADIENTS + "hessian", "(1 - damping) * a - h", "(1 - damping) * a + h"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
