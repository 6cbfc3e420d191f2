"""Boundary expanding. Chen et al. 2023.

In this order:
 1. The last linear layer (K outputs) is replaced by one with K + 1: rows 0 … K−1 and their biases are copied, row K is
    taken from the explicit draws `new_row` and `new_bias`.
 2. Per forget batch in the given order, in training mode: CE(model(x), K) and one step over all trainable parameters,
    those of the widened layer included.
 3. If `prune`: the layer is replaced by one with rows 0 … K−1 again. `prune=False` is the port in SalUn's repository,
    which never removes the unit, so that its argmax ranges over K + 1 outputs.
The mode the model came in is put back. Only the inputs of the forget set are used.

`data`: {"forget": [(inputs, labels), …]}: the batches of all epochs one after the other; labels are ignored.
`last`: name of the last linear layer as in `model.named_modules()`.
`optimizer`: see _optimizers.py; released: {"name": "sgd", "momentum": 0.9} at 1e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._linear_layers import keep_rows, replace_linear
from ._losses import cross_entropy
from ._modes import modes_kept
from ._optimizers import build
from ._samples import Batch
from ._weights import gradients, trainable


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    last: str,
    new_row: Tensor,
    new_bias: float = 0.0,
    prune: bool = True,
    optimizer: dict[str, Any],
    learning_rate: float,
) -> nn.Module:
    """Widen, fit the forget set to the new unit, prune; the model is changed in place and returned."""
    layer = model.get_submodule(last)
    classes = layer.weight.shape[0]
    weight = torch.cat([layer.weight.detach(), new_row.reshape(1, -1)])
    bias = None
    if layer.bias is not None:
        bias = torch.cat([layer.bias.detach(), layer.bias.new_tensor([new_bias])])
    replace_linear(model, last, weight, bias)

    parameters = trainable(model)
    update = build(parameters, optimizer)
    with modes_kept(model):
        model.train()
        for x, _ in data["forget"]:
            loss = cross_entropy(model(x), torch.full((len(x),), classes))
            update.step(gradients(loss, parameters), learning_rate)
    if prune:
        keep_rows(model, last, list(range(classes)))
    return model
