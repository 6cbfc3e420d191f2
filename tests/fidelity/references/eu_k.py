"""EU-k, exact unlearning of the last k layers (METHODS 2.18, Goel et al.): new layers, trained on Dr.

As CF-k (cf_k.py says how layers are counted and what is frozen), but the free layers start anew.

Step: (x, y), one batch of Dr.

Order of operations: write `fresh_state` into the free modules; then exactly the steps of CF-k.
BatchNorm: as in CF-k. Free BatchNorm layers start from whatever `fresh_state` holds for them.

Settings
  fresh_state     {name in the state dictionary: tensor}. It must hold every parameter of the free Conv2d and
                  Linear modules and nothing of a frozen module. Entries for free BatchNorm layers (weight,
                  bias, running statistics) are optional: those that are absent keep their old values.
  k, optimizer, learning_rates, frozen_bn, clip_norm: as in cf_k.py

Left open in METHODS: whether free BatchNorm layers start anew too, and their running statistics with
them (`fresh_state` decides); the distribution of the fresh weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import cf_k
from .plain import Rates


def overwrite(model: nn.Module, k: int, fresh_state: dict[str, Tensor]) -> None:
    """Puts the fresh tensors in place, after a check that they are the right ones."""
    allowed, required = set(), set()
    for name, module in cf_k.free_modules(model, k):
        for key in module.state_dict():
            full = f"{name}.{key}" if name else key
            allowed.add(full)
            if isinstance(module, nn.Conv2d | nn.Linear):
                required.add(full)
    if not required <= set(fresh_state) <= allowed:
        raise ValueError(f"fresh_state must lie between {sorted(required)} and {sorted(allowed)}")
    state = model.state_dict()
    with torch.no_grad():
        for name, tensor in fresh_state.items():
            state[name].copy_(tensor)


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    k: int,
    fresh_state: dict[str, Tensor],
    optimizer: dict[str, Any],
    learning_rates: Rates,
    frozen_bn: str = "eval",
    clip_norm: float | None = None,
) -> nn.Module:
    """Retrains the last k layers; the model is changed in place and returned."""
    overwrite(model, k, fresh_state)
    return cf_k.reference(
        model,
        batches,
        k=k,
        optimizer=optimizer,
        learning_rates=learning_rates,
        frozen_bn=frozen_bn,
        clip_norm=clip_norm,
    )
