"""Boundary expanding (BE). METHODS 2.15.

Order of operations:
 1. The last linear layer (K outputs) is replaced by one with K + 1: rows 0..K-1 (and biases) copied, row K
    taken from the explicit draws ``new_row`` and ``new_bias``.
 2. Per forget batch in the given order, model in train mode: CE(model(x), K) and one SGD step over all
    trainable parameters, the widened layer's included.
 3. If ``prune``: the layer is replaced by one with rows 0..K-1 again. ``prune=False`` is the SalUn port,
    which never removes the unit, so its argmax ranges over K + 1 outputs.
The mode the model came in is put back. Only the inputs of the forget set are used.

``data``: {"forget": [(inputs, labels), ...]}: the batches of all epochs one after the other; labels are
ignored.
``last``: name of the last linear layer as in ``model.named_modules()``.

Left open by METHODS, arguments here: how the new unit starts (``new_row``, ``new_bias``), ``train_mode``
(True), ``momentum`` 0.9, ``weight_decay`` 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, cross_entropy, gradients, parameters_of, sgd_step


def replace_linear(model: nn.Module, name: str, weight: Tensor, bias: Tensor | None) -> None:
    """Put a linear layer with exactly these values at the place ``name``."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    parent, _, leaf = name.rpartition(".")
    layer.train(model.get_submodule(name).training)
    setattr(model.get_submodule(parent), leaf, layer)


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    last: str,
    new_row: Tensor,
    new_bias: float = 0.0,
    prune: bool = True,
    learning_rate: float = 1e-5,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    train_mode: bool = True,
) -> nn.Module:
    """Widen, fit the forget set to the new unit, prune."""
    was_training = model.training
    layer = model.get_submodule(last)
    old_weight = layer.weight.detach().clone()
    old_bias = None if layer.bias is None else layer.bias.detach().clone()
    classes = old_weight.shape[0]
    wide_bias = None if old_bias is None else torch.cat([old_bias, old_bias.new_tensor([new_bias])])
    replace_linear(model, last, torch.cat([old_weight, new_row.reshape(1, -1)]), wide_bias)

    model.train(train_mode)
    parameters, state = parameters_of(model), {}
    for x, _ in data["forget"]:
        new_class = torch.full((len(x),), classes)
        sgd_step(
            parameters,
            gradients(cross_entropy(model(x), new_class), parameters),
            state,
            learning_rate=learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
        )
    model.train(was_training)

    if prune:
        layer = model.get_submodule(last)
        bias = None if layer.bias is None else layer.bias.detach()[:classes].clone()
        replace_linear(model, last, layer.weight.detach()[:classes].clone(), bias)
    return model
