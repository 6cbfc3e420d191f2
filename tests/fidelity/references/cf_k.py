"""CF-k, catastrophic forgetting of the last k layers (METHODS 2.18, Goel et al.): fine-tune them on Dr.

Layers are counted over Conv2d and Linear modules from the output. Modules are taken in the order in which
they are registered (`model.modules()`); everything from the k-th last Conv2d/Linear on is free,
BatchNorm between and after them included. All that comes before is frozen. A parameter that belongs to a
module containing others (not a leaf) is frozen.

Step: (x, y), one batch of Dr.

Order of operations: freeze; then in each step: mode; forward; CE; gradient over free parameters; clipping
of its total norm, if any; one optimizer update (frozen parameters get no weight decay either).
BatchNorm: free ones in "train"; frozen ones as `frozen_bn` says: "eval" normalises with running
statistics that do not move; "train" lets the statistics of frozen layers move.

Settings
  k               how many Conv2d/Linear layers are free
  optimizer       see optimizers.py; Goel et al.: {"name": "sgd", "momentum": .9, "weight_decay": 5e-5}
  learning_rates  SGDR (T0 = 1, Tmult = 2, .1 → .005) or any other schedule, one for each step or epoch
  frozen_bn       "eval" | "train"
  clip_norm       None | largest total norm (10)

Left open in METHODS: the order in which "from the output" counts when modules are not registered in the
order of the forward pass (shortcut convolutions of a ResNet).
"""

from __future__ import annotations

from typing import Any

from torch import nn

from . import optimizers
from .plain import BATCH_NORMS, Rates, cross_entropy, gradients, rate_at


def free_modules(model: nn.Module, k: int) -> list[tuple[str, nn.Module]]:
    """The leaf modules from the k-th last Conv2d/Linear on, with their names."""
    leaves = [(name, m) for name, m in model.named_modules() if not list(m.children())]
    layers = [i for i, (_, m) in enumerate(leaves) if isinstance(m, nn.Conv2d | nn.Linear)]
    return leaves[layers[-k] :]


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    k: int,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    frozen_bn: str = "eval",
    clip_norm: float | None = None,
) -> nn.Module:
    """Fine-tunes the last k layers; the model is changed in place and returned."""
    free = [module for _, module in free_modules(model, k)]
    parameters = [p for module in free for p in module.parameters()]
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, (x, y) in enumerate(steps):
            model.train()
            for module in model.modules():
                if isinstance(module, BATCH_NORMS) and not any(module is m for m in free):
                    module.train(frozen_bn == "train")
            loss = cross_entropy(model(x), y)
            grads = optimizers.clipped(gradients(loss, parameters), clip_norm)
            update.step(grads, rate_at(learning_rates, epoch, index))
    return model
