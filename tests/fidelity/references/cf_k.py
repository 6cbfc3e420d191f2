"""CF-k, catastrophic forgetting of the last k layers: fine-tune those alone on retain. Goel et al. 2022.

Layers are counted over Conv2d and Linear modules from the output, in the order in which modules are registered
(`model.modules()`). Everything from the k-th last of them on is free, BatchNorm between and after them included. All
that comes before is frozen. A parameter of a module that contains others is frozen.

A step is (x, y): one batch of retain.

First the layers are frozen. Then in a step, in this order: mode; forward; CE; gradient of the free parameters;
clipping of its total norm, if any; one update of the optimizer. Frozen parameters get no weight decay either.

Settings
  k               how many Conv2d and Linear layers are free
  optimizer       see _optimizers.py; released: {"name": "sgd", "momentum": 0.9, "weight_decay": 5e-5}
  learning_rates  one for each step or epoch (released: cosine with warm restarts, 0.1 to 0.005)
  frozen_bn       what a frozen BatchNorm does: "eval" normalises with running statistics that do not move; "train" uses
                  the batch and lets them move. A free BatchNorm is always in training mode.
  clip_norm       None, or the largest total norm (released 10)
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import cross_entropy
from ._modes import BATCH_NORMS
from ._optimizers import Epochs, Rates, build, clipped, steps_with_rates
from ._weights import gradients


def free_modules(model: nn.Module, k: int) -> list[tuple[str, nn.Module]]:
    """Return the leaf modules from the k-th last Conv2d or Linear on, with their names."""
    leaves = [(name, m) for name, m in model.named_modules() if not list(m.children())]
    layers = [i for i, (_, m) in enumerate(leaves) if isinstance(m, nn.Conv2d | nn.Linear)]
    return leaves[layers[-k] :]


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    k: int,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    frozen_bn: str = "eval",
    clip_norm: float | None = None,
) -> nn.Module:
    """Fine-tune the last k layers; the model is changed in place and returned."""
    free = dict(free_modules(model, k))
    parameters = {f"{name}.{key}": p for name, m in free.items() for key, p in m.named_parameters()}
    update = build(parameters, optimizer)
    for (x, y), rate in steps_with_rates(epochs, learning_rates):
        model.train()
        for name, module in model.named_modules():
            if isinstance(module, BATCH_NORMS) and name not in free:
                module.train(frozen_bn == "train")
        grads = gradients(cross_entropy(model(x), y), parameters)
        update.step(clipped(grads, clip_norm), rate)
    return model
