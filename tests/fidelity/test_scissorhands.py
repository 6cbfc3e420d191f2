"""Scissorhands: ours equals the reference; the reference's trimming, projection and steps are worked out."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from .batches import normal, samples
from .harness import Run, assert_equal, in_epochs, run
from .networks import NETS, fresh_network
from .references import scissorhands
from .references._losses import cross_entropy
from .references._samples import batches_of
from .references._weights import Tensors, flat, gradients, trainable

EPOCHS, TRIMMED, MEMORIES, SIZE, RATE = 2, 2, 2, 4, 0.05
SGD = {"name": "sgd", "momentum": 0.9, "weight_decay": 5e-4}


def fresh_values(ours: Run, names: list[str]) -> Tensors:
    """Return the values that weights are re-initialised with: drawn for weights, 0 for biases."""
    drawn = iter(ours.draws("uniform_"))
    parameters = trainable(ours.before, names)
    return {n: 0 * p.detach() if n.endswith("bias") else next(drawn) for n, p in parameters.items()}


def stages(ours: Run) -> dict[str, list[Any]]:
    """Return the batches of trimming, and per epoch those of memories, forget and retain."""
    forget, retain = ours.batches("forget"), in_epochs(ours.batches("retain"), 3)
    rest = in_epochs(forget[TRIMMED:], MEMORIES + 2)
    assert len(rest) == len(retain) == EPOCHS
    return {
        "snip": forget[:TRIMMED],
        "memory": [batches[:MEMORIES] for batches in rest],
        "forget": [batches[MEMORIES:] for batches in rest],
        "retain": retain,
    }


def compare(kind: str, parts: str = "", every: int = 1) -> None:
    """Two batches for trimming and two memories; the forget set is through before the retain set is.

    Args:
        kind: network.
        parts: how the names of the parameters begin that are trimmed and projected.
        every: how often a step is projected.
    """
    settings = {"epochs": EPOCHS, "batch_size": SIZE, "learning_rate": RATE, "sparsity": 0.6}
    settings |= {"forget_weight": 0.9, "trim_batches": TRIMMED, "memories": MEMORIES, "project_every": every}
    ours = run("scissorhands", kind, {**settings, "trimmed": parts, "projected": parts})
    norms = [n for n, m in ours.before.named_modules() if isinstance(m, nn.BatchNorm2d)]
    names = [name for name, _ in ours.before.named_parameters() if name.startswith(parts)]
    eligible = [n for n in names if n.rpartition(".")[0] not in norms]
    expected = scissorhands.reference(
        ours.original(),
        stages(ours),
        sparsity=0.6,
        lambda_=0.9,
        fresh=fresh_values(ours, eligible),
        reinitialised=eligible,
        projected=names,
        optimizer=SGD,
        learning_rate=RATE,
        project_every=every,
        memory_at="current",
        memory_train_mode=False,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "scissorhands": compare,
    "scissorhands: last layer": partial(compare, parts="head", every=2),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_the_most_salient_weights_are_trimmed() -> None:
    model, (x, y) = fresh_network("two_layer"), samples("two_layer", 6, 1)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    slope = gradients(cross_entropy(model(x), y), trainable(model))
    saliency = torch.cat([(before[n] * slope[n]).abs().reshape(-1) for n in before])
    fresh = {n: torch.full_like(p, 7.0) for n, p in before.items()}
    k = int(0.8 * len(saliency))
    limit = torch.kthvalue(saliency, k).values
    scissorhands.trim(
        model, [(x, y)], sparsity=0.8, fresh=fresh, reinitialised=["head.weight", "first.weight"]
    )
    for name, p in model.named_parameters():
        hit = (before[name] * slope[name]).abs() > limit
        hit = hit if name.endswith("weight") else torch.zeros_like(hit)
        assert torch.equal(p.detach(), torch.where(hit, fresh[name], before[name]))
    assert int((flat(trainable(model)) == 7.0).sum()) > 0


def test_the_projection_in_closed_form_and_its_optimality() -> None:
    for seed in range(20):
        g, m = normal(5, seed=seed), normal(5, seed=100 + seed)
        expected = g
        if float(m @ g) < 0:
            expected = g + max(0.5, float(-(m @ g) / (m @ m + 1e-3))) * m
        torch.testing.assert_close(scissorhands.project(g, [m], margin=0.5, epsilon=1e-3), expected)
        rows = normal(3, 5, seed=200 + seed)
        p, q = rows @ rows.T + 1e-3 * torch.eye(3, dtype=torch.float64), rows @ g
        v = scissorhands.constrained_minimum(p, q, 0.5)
        slope, free = p @ v + q, v > 0.5 + 1e-9
        assert bool((slope >= -1e-9).all()) and bool((slope[free].abs() < 1e-9).all())


def test_without_projection_it_is_sgd_on_the_difference() -> None:
    model, twin = fresh_network("small_conv"), fresh_network("small_conv")
    retain, forget = (batches_of(samples("small_conv", n, s), 4) for n, s in ((12, 1), (4, 2)))
    data = {"snip": forget, "memory": [[]], "retain": [retain], "forget": [forget]}
    nothing: dict[str, Any] = {"fresh": {}, "reinitialised": [], "projected": ["head.bias"]}
    step: dict[str, Any] = {"optimizer": SGD, "learning_rate": 0.1}
    scissorhands.reference(model, data, sparsity=0.5, lambda_=0.1, **nothing, **step)
    twin(forget[0][0])
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    for i, (x, y) in enumerate(retain):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(twin(x), y)
        if i < len(forget):
            loss = loss - 0.1 * nn.functional.cross_entropy(twin(forget[i][0]), forget[i][1])
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), twin.state_dict())
