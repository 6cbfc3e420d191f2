"""Fisher forgetting and selective synaptic dampening equal their references."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch

from .harness import CLASSES, NETS, Run, assert_equal, run
from .mutations import Mutation
from .references import fisher as fisher_reference
from .references import ssd as ssd_reference
from .references.plain_parts import Tensors, batches_of, joined

METHOD, GRADIENTS = "reunlearn.unlearning.methods.", "reunlearn.gradients."


def drawn_noise(ours: Run) -> Tensors:
    """Return the standard-normal draws by parameter."""
    names = [name for name, _ in ours.before.named_parameters()]
    return dict(zip(names, ours.randoms("randn"), strict=True))


def compare_fisher(kind: str, estimator: str = "notebook", scenario: dict[str, Any] | None = None) -> None:
    """All labels: sample by sample whatever the batch, or squares of batch means, the last batch short."""
    settings = {"alpha": 1e-6, "estimator": estimator, "batch_size": 4}
    more = {} if scenario is None else {"scenario": scenario}
    ours = run("fisher", kind, settings, **more)
    expected = fisher_reference.reference(
        copy.deepcopy(ours.before),
        {"retain": ours.all("retain")},
        noise=drawn_noise(ours),
        alpha=1e-6,
        number_of_classes=CLASSES,
        classes_to_forget=(scenario or {}).get("classes", ()),
        batch_size=1 if estimator == "notebook" else 4,
    )
    assert_equal(ours, expected)


def compare_fisher_empirical(kind: str) -> None:
    """The true label alone; the cap comes before the factor for the last dimension."""
    alpha = 1e-8
    ours = run("fisher", kind, {"alpha": alpha, "estimator": "empirical", "batch_size": 4})
    data = {"retain": ours.all("retain")}
    information = fisher_reference.empirical_fisher(copy.deepcopy(ours.before), data)
    capped = torch.cat([((alpha / f).sqrt() > 1e-3).reshape(-1) for f in information.values()])
    assert 0 < capped.sum() < len(capped)
    expected = fisher_reference.reference_empirical(
        copy.deepcopy(ours.before),
        data,
        noise=drawn_noise(ours),
        alpha=alpha,
        factor_last_dimension=CLASSES,
    )
    assert_equal(ours, expected)


def compare_ssd(kind: str) -> None:
    """Retain, then forget, in order; one batch holds the border of both."""
    settings = {"selection": 1.2, "dampening": 0.9, "batch_size": 4}
    ours = run("ssd", kind, settings)
    everything = joined([ours.all("retain"), ours.all("forget")])
    data = {"full": batches_of(everything, 4), "forget": batches_of(ours.all("forget"), 4)}
    expected = ssd_reference.reference(copy.deepcopy(ours.before), data, alpha=1.2, lambda_=0.9)
    assert_equal(ours, expected)


def compare_ssd_shuffled(kind: str) -> None:
    """Both sets mixed: each batch is taken from retain, then from forget."""
    settings = {"selection": 1.2, "dampening": 0.9, "batch_size": 4, "shuffle": True}
    ours = run("ssd", kind, settings)
    forget = [(d.x, d.y) for d in ours.drawn[:2]]
    taken = ours.drawn[2:]
    assert [d.set for d in taken] == ["retain", "forget"] * 5
    full = [joined([(a.x, a.y), (b.x, b.y)]) for a, b in zip(taken[::2], taken[1::2], strict=True)]
    data = {"full": full, "forget": forget}
    expected = ssd_reference.reference(copy.deepcopy(ours.before), data, alpha=1.2, lambda_=0.9)
    assert_equal(ours, expected)


COMPARISONS = {
    "fisher": compare_fisher,
    "fisher@a class": partial(compare_fisher, scenario={"kind": "class", "classes": [1]}),
    "fisher@batch means": partial(compare_fisher, estimator="batch_means"),
    "fisher@empirical": compare_fisher_empirical,
    "ssd": compare_ssd,
    "ssd@shuffled": compare_ssd_shuffled,
}

MUTATIONS: dict[str, Mutation] = {
    "fisher": (GRADIENTS + "label_fisher", "p_BK.sqrt()", "p_BK"),
    "fisher@a class": (
        METHOD + "fisher",
        "found.mean(dim=1, keepdim=True)",
        "found.amax(dim=1, keepdim=True)",
    ),
    "fisher@batch means": (GRADIENTS + "fisher", "share_K[y] * gradient**2", "share_K.mean() * gradient**2"),
    "fisher@empirical": (METHOD + "fisher", "fisher.shape[-1] == classes", "fisher.shape[0] == classes"),
    "ssd": (METHOD + "ssd", "f > selection * d, (", "f < selection * d, ("),
    "ssd@shuffled": (
        GRADIENTS + "fisher",
        "accumulated.addcmul_(gradient, gradient)",
        "accumulated.add_(gradient.abs())",
    ),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
