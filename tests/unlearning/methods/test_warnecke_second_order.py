"""Label correction by one Newton step, against the released loop on the whole Hessian."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from reunlearn.gradients.flat import flatten, unflatten
from tests.unlearning.methods.flipped import all_samples, learnt, right_and_wrong, slow_change, unlearn
from tests.unlearning.methods.small import NETWORKS, assert_same, distance

COUNT = 15
SETTINGS = {"last_tensors": 3, "scale": 60.0, "damping": 1e-3, "batch_size": COUNT}


def hessian(model: nn.Module, names: list[str], rows: list[int]) -> Tensor:
    """Return the Hessian [P, P] of the summed loss of the true labels of some samples."""
    model = copy.deepcopy(model).eval()
    own = dict(model.named_parameters())
    like = [own[name].detach() for name in names]
    chosen = [all_samples()[row] for row in rows]
    x, true = torch.stack([s[0] for s in chosen]), torch.tensor([s[2] for s in chosen])

    def loss(vector_P: Tensor) -> Tensor:
        logits = functional_call(model, dict(zip(names, unflatten(vector_P, like), strict=True)), (x,))
        return -torch.log(torch.softmax(logits, dim=1))[torch.arange(len(rows)), true].sum()

    return torch.autograd.functional.hessian(loss, flatten(like))


def names_of(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_parameters()][-3:]


def moved(model: nn.Module, by_P: Tensor) -> nn.Module:
    """Return a copy whose last tensors are smaller by a vector."""
    expected = copy.deepcopy(model)
    own = dict(expected.named_parameters())
    tensors = [own[name] for name in names_of(model)]
    for p, part in zip(tensors, unflatten(by_P, tensors), strict=True):
        p.data = p.data - part
    return expected


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("points", ["misclassified", "forget"])
def test_equals_the_loop_on_the_whole_hessian(network: str, points: str) -> None:
    model = learnt(network)
    unlearned, history = unlearn("warnecke_second_order", model, points=points, passes=12, **SETTINGS)
    names = names_of(model)
    v = flatten([slow_change(model, points)[name] for name in names])
    hessian_PP = hessian(model, names, list(range(COUNT)))
    u = v
    for _ in range(12):
        u = v + (1 - 1e-3) * u - hessian_PP @ u / 60.0
    assert_same(unlearned, moved(model, u / 60.0))
    assert distance(unlearned, model) > 1e-4
    assert history[-1]["lissa_steps"] == 12


@pytest.mark.parametrize("batch_size", [4, 6])
def test_batches_go_through_one_drawn_order(batch_size: int) -> None:
    """The order is the task's first draw; 15 samples in fours begin anew at step 4, and so on."""
    model = learnt("two_layer")
    settings = {**SETTINGS, "batch_size": batch_size, "points": "forget", "passes": 4}
    unlearned, history = unlearn("warnecke_second_order", model, seed=8, **settings)
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(8)).tolist()
    names = names_of(model)
    v = flatten([slow_change(model, "forget")[name] for name in names])
    u, steps = v, 4 * -(-COUNT // batch_size)
    for step in range(steps):
        place = ((step * batch_size) % COUNT) // batch_size
        rows = order[place * batch_size : (place + 1) * batch_size]
        u = v + (1 - 1e-3) * u - hessian(model, names, rows) @ u / 60.0
    assert history[-1]["lissa_steps"] == steps
    assert_same(unlearned, moved(model, u / 60.0))


def test_long_enough_it_is_the_newton_step() -> None:
    model = learnt("two_layer")
    settings = {**SETTINGS, "damping": 0.5, "passes": 400, "patience": 400}
    unlearned, _ = unlearn("warnecke_second_order", model, points="forget", **settings)
    names = names_of(model)
    hessian_PP = hessian(model, names, list(range(COUNT)))
    v = flatten([slow_change(model, "forget")[name] for name in names])
    damped = hessian_PP + 0.5 * 60.0 * torch.eye(len(v), dtype=torch.float64)
    assert_same(unlearned, moved(model, torch.linalg.solve(damped, v)))


def test_divergence_leaves_the_weights_and_is_told() -> None:
    model = learnt("two_layer")
    settings = {**SETTINGS, "scale": 0.05}
    unlearned, history = unlearn("warnecke_second_order", model, points="forget", **settings)
    assert all(torch.equal(a, b) for a, b in zip(unlearned.parameters(), model.parameters(), strict=True))
    assert history[-1]["lissa"] == -1
    _, control = unlearn("warnecke_second_order", model, points="forget", **SETTINGS)
    assert control[-1]["lissa"] >= 0


def test_only_the_last_tensors_move() -> None:
    model = learnt("conv_net")
    unlearned, _ = unlearn("warnecke_second_order", model, points="forget", **SETTINGS)
    same = [torch.equal(a, b) for a, b in zip(unlearned.parameters(), model.parameters(), strict=True)]
    assert same == [True] * (len(same) - 3) + [False] * 3
    assert torch.equal(unlearned[1].running_mean, model[1].running_mean)


def test_it_corrects_labels() -> None:
    model = learnt("two_layer")
    unlearned, _ = unlearn("warnecke_second_order", model, points="misclassified", **SETTINGS)
    assert right_and_wrong(unlearned)["flipped"] < right_and_wrong(model)["flipped"]
