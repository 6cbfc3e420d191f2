"""Amnesiac machine learning: take back stored updates, then repair. Graves et al. 2021.

In this order:
 1. For every training batch that held at least one forget sample, subtract its stored update (weights after the step
    minus weights before it). Only entries of the state dictionary whose last name part is `weight` or `bias` are
    touched; BatchNorm's running statistics stay as trained.
 2. Repair: plain cross-entropy steps in training mode over the retain batches in the given order, one fresh optimizer
    for all of them.
The mode the model came in is put back.

`data`: {"updates": [{name: tensor}, …], one per training batch in training order,
         "samples": [[sample index, …], …], the indices in each of those batches,
         "repair": [(inputs, labels), …], the retain batches of all repair epochs; may be empty}.
`forget_indices`: the indices of the samples to forget.
`optimizer`: of the repair, see _optimizers.py.

`record` trains in the same way and returns the updates as `data` wants them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import nn

from ._losses import cross_entropy
from ._modes import modes_kept
from ._optimizers import build
from ._samples import Batch
from ._weights import Tensors, gradients, trainable


def record(
    model: nn.Module, batches: Sequence[Batch], *, optimizer: dict[str, Any], learning_rate: float
) -> list[Tensors]:
    """Train in place, in training mode; return each step's change of every weight and bias."""
    parameters, updates = trainable(model), []
    update = build(parameters, optimizer)
    with modes_kept(model):
        model.train()
        for x, y in batches:
            before = {name: p.detach().clone() for name, p in parameters.items()}
            update.step(gradients(cross_entropy(model(x), y), parameters), learning_rate)
            updates.append({name: p.detach() - before[name] for name, p in parameters.items()})
    return updates


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Any]],
    *,
    forget_indices: Collection[int],
    optimizer: dict[str, Any],
    learning_rate: float,
) -> nn.Module:
    """Undo the touched batches, then repair; the model is changed in place and returned."""
    forget = set(forget_indices)
    state = model.state_dict()
    with torch.no_grad():
        for update, samples in zip(data["updates"], data["samples"], strict=True):
            if not forget & set(samples):
                continue
            for name, value in state.items():
                if name.split(".")[-1] in ("weight", "bias"):
                    value.sub_(update[name])
    record(model, data["repair"], optimizer=optimizer, learning_rate=learning_rate)
    return model
