"""Amnesiac unlearning by replaying stored updates (reading a). METHODS 2.12 (a).

Order of operations (``reference``):
 1. For every training batch that held at least one forget sample, subtract its stored update (weights after
    the step minus weights before it): w_u = w - sum of those updates. Only entries of the state dict whose
    last name part is ``weight`` or ``bias`` are touched; BatchNorm's running statistics stay as trained.
 2. Repair: model in train mode, plain cross-entropy steps over the retain batches in the given order, one
    fresh optimizer for all of it.
The mode the model came in is put back.

``data``: {"updates": [ {name: tensor}, ... ] one per training batch in training order,
           "samples": [ [sample index, ...], ... ] the indices in each of those batches,
           "repair": [ (inputs, labels), ... ] retain batches, all repair epochs one after the other (may be
           empty)}.
``forget_indices``: the sample indices to forget.

Left open by METHODS, arguments here: the repair optimizer: ``optimizer`` "adam" or "sgd",
``learning_rate``, ``momentum`` (sgd), ``weight_decay``.

``record`` trains with plain SGD or Adam and returns the updates in this format.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import nn

from .plain_parts import Batch, Tensors, adam_step, cross_entropy, gradients, parameters_of, sgd_step


def _train(
    model: nn.Module,
    batches: Sequence[Batch],
    *,
    optimizer: str,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
) -> list[Tensors]:
    """Plain training in train mode; returns each step's change of every weight and bias."""
    was_training = model.training
    model.train()
    parameters, state, updates = parameters_of(model), {}, []
    for x, y in batches:
        before = {name: p.detach().clone() for name, p in parameters.items()}
        grads = gradients(cross_entropy(model(x), y), parameters)
        if optimizer == "adam":
            adam_step(parameters, grads, state, learning_rate=learning_rate, weight_decay=weight_decay)
        else:
            sgd_step(
                parameters,
                grads,
                state,
                learning_rate=learning_rate,
                momentum=momentum,
                weight_decay=weight_decay,
            )
        updates.append({name: p.detach() - before[name] for name, p in parameters.items()})
    model.train(was_training)
    return updates


def record(
    model: nn.Module,
    batches: Sequence[Batch],
    *,
    optimizer: str = "sgd",
    learning_rate: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> list[Tensors]:
    """Train in place and return one update per batch."""
    return _train(
        model,
        batches,
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )


def reference(
    model: nn.Module,
    data: dict[str, Sequence],
    *,
    forget_indices: Collection[int],
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> nn.Module:
    """Undo the touched batches, then repair on the retain batches."""
    forget = set(forget_indices)
    state = model.state_dict()
    with torch.no_grad():
        for update, samples in zip(data["updates"], data["samples"], strict=True):
            if not forget & set(samples):
                continue
            for name, value in state.items():
                if name.split(".")[-1] in ("weight", "bias"):
                    value.sub_(update[name])
    _train(
        model,
        data["repair"],
        optimizer=optimizer,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    return model
