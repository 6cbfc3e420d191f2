"""Fisher forgetting against loops over samples, labels and entries, and the rules of its notebook."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.study.scenario import Scenario, read_scenario
from reunlearn.unlearning.methods.fisher import empirical_spread, variance
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, assert_same, distance, make_sets

ESTIMATORS = ("notebook", "batch_means", "empirical")
SEED = 3


def unlearn(model: nn.Module, scenario: Scenario | None = None, **settings) -> nn.Module:
    task = Task(make_sets(), {"retain"}, Recorder(), CLASSES, SEED, scenario=scenario)
    return make("fisher", None, {"batch_size": 4, **settings}).unlearn(copy.deepcopy(model), task)


def backward(model: nn.Module, scalar: Tensor) -> list[Tensor]:
    model.zero_grad()
    scalar.backward(retain_graph=True)
    return [p.grad.clone() for p in model.parameters()]


def information(model: nn.Module, estimator: str) -> list[Tensor]:
    """Return F, one sample (or batch) and one label at a time."""
    total = [torch.zeros_like(p) for p in model.parameters()]
    size = 4 if estimator == "batch_means" else 1
    batches = list(make_sets()["retain"].batches(size))
    for batch in batches:
        z = model(batch.x)
        p_K = z.detach().softmax(1).mean(0)
        for y in range(CLASSES):
            if estimator == "empirical" and y != int(batch.y):
                continue
            target = torch.full((len(batch),), y)
            for accumulated, g in zip(
                total, backward(model, functional.cross_entropy(z, target)), strict=True
            ):
                square = (-g + 1e-8) ** 2 if estimator == "empirical" else p_K[y] * g**2
                accumulated += square / len(batches)
    return total


def spread(fisher: Tensor, estimator: str, alpha: float, forgotten: list[int]) -> Tensor:
    """Return the standard deviation of the noise, entry by entry."""
    found = np.zeros(fisher.shape)
    f = fisher.numpy()
    last = fisher.shape[0] == CLASSES
    for at in np.ndindex(*f.shape):
        if estimator == "empirical":
            found[at] = min(math.sqrt(alpha / f[at]), 1e-3) * (10 if f.shape[-1] == CLASSES else 1)
            continue
        along = [at] if f.ndim == 1 else [(at[0], i, *at[2:]) for i in range(f.shape[1])]
        capped = [min(1 / (f[place] + 1e-8), 100 if last else 1000) for place in along]
        square = 1e-4 if last and at[0] in forgotten else alpha * sum(capped) / len(capped)
        found[at] = math.sqrt(square * (10 if last or f.ndim == 1 else 1))
    return torch.from_numpy(found)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("forgotten", [[], [1]])
def test_equals_the_loop(network: str, estimator: str, forgotten: list[int]) -> None:
    model, alpha = NETWORKS[network]().eval(), 1e-6
    scenario = read_scenario({"kind": "class", "classes": forgotten}) if forgotten else None
    found = unlearn(model, scenario, estimator=estimator, alpha=alpha)
    expected, generator = copy.deepcopy(model), torch.Generator().manual_seed(SEED)
    for p, fisher in zip(expected.parameters(), information(model, estimator), strict=True):
        noise = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        if estimator != "empirical" and len(p) == CLASSES:
            p.data[forgotten] = 0
        p.data += spread(fisher, estimator, alpha, forgotten) * noise
    assert_same(found, expected)
    assert distance(found, model) > 1e-4


def test_the_estimators_differ() -> None:
    model = NETWORKS["two_layer"]()
    found = [unlearn(model, estimator=estimator) for estimator in ESTIMATORS]
    assert all(distance(a, b) > 1e-6 for i, a in enumerate(found) for b in found[:i])


def test_class_rows_are_of_class_removal_alone() -> None:
    model = NETWORKS["two_layer"]()
    subclass = read_scenario({"kind": "subclass", "subclasses": [1]})
    random = unlearn(model)
    assert distance(random, unlearn(model, subclass)) == 0
    removal = read_scenario({"kind": "class", "classes": [2]})
    assert distance(unlearn(model, removal, class_rows=False), random) == 0
    rows = dict(unlearn(model, removal).named_parameters())["3.weight"]
    assert rows[2].abs().max() < 0.2  # 0, and noise of √(10⁻⁴ · 10)
    assert distance(unlearn(model, removal), random) > 1e-2


def test_variance_keeps_the_places_of_a_kernel_apart() -> None:
    fisher = torch.rand(4, 5, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1
    found = variance(fisher, 1.0, CLASSES, [])
    assert torch.allclose(found[:, :1].expand_as(found), found)
    assert torch.allclose(found[:, 0], (1 / (fisher + 1e-8)).mean(1))
    assert found[0, 0].unique().numel() == 9


def test_caps() -> None:
    flat = torch.zeros(CLASSES + 1, 2)
    assert torch.allclose(variance(flat, 1e-6, CLASSES, []), torch.full_like(flat, 1e-3))
    last = torch.zeros(CLASSES, 2)
    assert torch.allclose(variance(last, 1e-6, CLASSES, []), torch.full_like(last, 1e-3))  # 10⁻⁴, ten-fold
    assert torch.allclose(empirical_spread(torch.zeros(5, 2), 1e-6, CLASSES), torch.full((5, 2), 1e-3))


def test_the_batch_size_matters_to_batch_means_alone() -> None:
    model = NETWORKS["conv_net"]()
    for estimator in ESTIMATORS:
        moved = distance(
            unlearn(model, estimator=estimator, batch_size=9), unlearn(model, estimator=estimator)
        )
        assert (moved > 1e-9) == (estimator == "batch_means")


def test_statistics_and_other_classes_stay() -> None:
    model = NETWORKS["conv_net"]()
    found = unlearn(model)
    assert torch.equal(found[1].running_mean, model[1].running_mean)
    assert distance(unlearn(model, alpha=0.0), model) == 0
