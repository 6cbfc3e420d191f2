"""EU-k, exact unlearning of the last k layers: new layers, trained on retain. Goel et al. 2022.

First `fresh_state` is written into the free modules; then come exactly the steps of CF-k. cf_k.py says how layers are
counted and what is frozen.

A step is (x, y): one batch of retain.

Settings
  fresh_state     {name in the state dictionary: tensor}. It must hold every parameter of the free Conv2d and Linear
                  modules and nothing of a frozen module. Entries of free BatchNorm layers (weight, bias, running
                  statistics) may be absent: then they keep their values.
  k, optimizer, learning_rates, clip_norm: as in cf_k.py; a frozen BatchNorm keeps its statistics

The sources do not say whether free BatchNorm layers start anew too, nor how the new weights are drawn: `fresh_state`
decides it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import cf_k
from ._optimizers import Epochs, Rates


def overwrite(model: nn.Module, k: int, fresh_state: dict[str, Tensor]) -> None:
    """Put the fresh tensors in place, after a check that they are the right ones."""
    allowed, required = set(), set()
    for name, module in cf_k.free_modules(model, k):
        entries = {f"{name}.{key}" for key in module.state_dict()}
        allowed |= entries
        if isinstance(module, nn.Conv2d | nn.Linear):
            required |= entries
    if not required <= set(fresh_state) <= allowed:
        raise ValueError(f"fresh_state must lie between {sorted(required)} and {sorted(allowed)}")
    state = model.state_dict()
    with torch.no_grad():
        for name, tensor in fresh_state.items():
            state[name].copy_(tensor)


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    k: int,
    fresh_state: dict[str, Tensor],
    optimizer: dict[str, Any],
    learning_rates: Rates,
    clip_norm: float | None = None,
) -> nn.Module:
    """Retrain the last k layers; the model is changed in place and returned."""
    overwrite(model, k, fresh_state)
    return cf_k.reference(
        model, epochs, k=k, optimizer=optimizer, learning_rates=learning_rates, clip_norm=clip_norm
    )
