"""A small poisoned problem in float64: some of the forget set was taught wrong labels."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Samples
from reunlearn.study.scenario import read_scenario
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, make_sets

FORGET, RETAIN = 6, 9
TRUE = torch.arange(FORGET + RETAIN) % CLASSES
FIELDS: dict[str, dict[str, Any]] = {
    "random": {"fraction": 0.4},
    "class": {"classes": [1]},
    "label_flip": {"count": 2},
}
TAUGHT_WRONG = [0, 1, 2, 3]  # of the forget set; 4 and 5 were taught right


def flipped_sets(flipped: bool = True) -> dict[str, Samples]:
    sets = make_sets(FORGET, RETAIN)
    if flipped:
        sets["forget"].y[TAUGHT_WRONG] = (TRUE[TAUGHT_WRONG] + 1) % CLASSES
    return sets


@functools.cache
def _learnt(network: str, by_heart: bool) -> nn.Module:
    model = NETWORKS[network]()
    sets = flipped_sets(not by_heart)
    batches = [sets[name].take(slice(None)) for name in ("forget", "retain")]
    x, y = (torch.cat([getattr(b, part) for b in batches]) for part in ("x", "y"))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.train()
    for _ in range(400 if by_heart else 40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def learnt(network: str, by_heart: bool = False) -> nn.Module:
    """Return a network that learnt the poisoned labels a little, or the true ones by heart."""
    return copy.deepcopy(_learnt(network, by_heart))


def unlearn(
    name: str,
    model: nn.Module,
    scenario: str = "random",
    seed: int = 0,
    flipped: bool = True,
    **settings: Any,
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """Run one of the two corrections on a copy of `model`; return the result and the history."""
    history: list[dict[str, Any]] = []
    task = Task(
        flipped_sets(flipped),
        {"forget", "retain", "true_labels"},
        Recorder(),
        CLASSES,
        seed,
        true_labels=TRUE,
        scenario=read_scenario({"kind": scenario, **FIELDS[scenario]}),
        log=history.append,
    )
    return make(name, None, settings).unlearn(copy.deepcopy(model), task), history


def log_p(model: nn.Module, x: Tensor, label: int) -> Tensor:
    return torch.log(torch.softmax(model(x[None])[0], dim=0)[label])


def all_samples() -> list[tuple[Tensor, int, int]]:
    """Return (x, taught label, true label) of every training sample."""
    sets = flipped_sets()
    found = []
    for name in ("forget", "retain"):
        batch = sets[name].take(slice(None))
        found += [(x, int(y), int(TRUE[i])) for x, y, i in zip(batch.x, batch.y, batch.index, strict=True)]
    return found


def slow_change(model: nn.Module, points: str) -> dict[str, Tensor]:
    """Return Σ∇ℓ(z̃) − Σ∇ℓ(z) by parameter name, one backward pass for each point."""
    model = copy.deepcopy(model).eval()
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    pairs: list[tuple[Tensor, int, int | None]] = []
    for place, (x, taught, true) in enumerate(all_samples()):
        predicted = int(model(x[None])[0].argmax())
        if points == "misclassified" and predicted != true:
            pairs.append((x, predicted, true))
        elif points == "forget" and place < FORGET:
            pairs.append((x, taught, true if taught != true else None))
    assert pairs
    for x, old, new in pairs:
        loss = log_p(model, x, old) - (0 if new is None else log_p(model, x, new))
        model.zero_grad()
        loss.backward()
        for name, p in model.named_parameters():
            total[name] += p.grad
    return total


def right_and_wrong(model: nn.Module) -> dict[str, float]:
    """Return the loss of the true labels on the flipped and on the other samples of the forget set."""
    model = copy.deepcopy(model).eval()
    losses = [-log_p(model, x, true).item() for x, _, true in all_samples()[:FORGET]]
    return {"flipped": sum(losses[i] for i in TAUGHT_WRONG), "kept": losses[4] + losses[5]}
