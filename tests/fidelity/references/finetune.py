"""Fine-tuning on the retain set (METHODS 2.2): minimise CE(Dr).

Step: (x, y), one batch of Dr as the network is to see it (after augmentation, if there is any).

Order of operations in a step: mode; forward; CE mean over the batch; gradient; one optimizer update.
BatchNorm: `mode` at every forward ("train" in METHODS: batch statistics, running statistics move).

Settings
  optimizer       see optimizers.py, e.g. {"name": "sgd", "momentum": 0.9, "weight_decay": 5e-4}
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: the schedule (learning_rates holds it).
"""

from __future__ import annotations

from typing import Any

from torch import nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, rate_at, set_mode, trainable


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    mode: str = "train",
) -> nn.Module:
    """Trains on Dr; the model is changed in place and returned."""
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, (x, y) in enumerate(steps):
            set_mode(model, mode)
            loss = cross_entropy(model(x), y)
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, index))
    return model
