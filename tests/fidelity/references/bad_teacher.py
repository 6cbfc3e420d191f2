"""Bad Teacher: KL(l·p_bad + (1−l)·p_good ‖ student), l = 1 on forget. Chundawat et al. 2023.

Good teacher: a copy of θ0. Bad teacher: a fresh network of the same architecture. Both are in evaluation mode, without
gradient, and never changed; the bad one keeps its untouched BatchNorm statistics.

A step is (x, is_forget): a batch of forget joined with (part of) retain and shuffled; is_forget[i] is l of sample i. No
label is used. The share of retain that is used is in the steps given.

In a step, in this order: training mode of the student; the two teachers' forwards; the target
t_i = l_i softmax(z_bad,i / T) + (1−l_i) softmax(z_good,i / T); the student's forward; the loss
Σ_i KL(t_i ‖ softmax(z_i / T)) divided as `reduction` says; gradient; one update of the optimizer.

Settings
  bad_teacher     the fresh network, with its weights and buffers
  temperature     T (1); no factor T² anywhere
  reduction       "mean": divided by batch · classes, as released; "batchmean": divided by the batch
  optimizer       see _optimizers.py; released: {"name": "adam"} at 1e-4
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from ._losses import kl_divergence, log_softmax, softmax
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._weights import gradients, trainable


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    bad_teacher: nn.Module,
    reduction: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    temperature: float = 1.0,
) -> nn.Module:
    """Learn from the two teachers; the model is changed in place and returned."""
    good, bad = copy.deepcopy(model).eval(), copy.deepcopy(bad_teacher).eval()
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for (x, is_forget), rate in steps_with_rates(epochs, learning_rates):
        set_mode(model, "train")
        with torch.no_grad():
            p_bad = softmax(bad(x) / temperature)
            p_good = softmax(good(x) / temperature)
        target = torch.stack([p_bad[i] if is_forget[i] else p_good[i] for i in range(len(x))])
        logs = log_softmax(model(x) / temperature)
        divisors = {"mean": len(x) * logs.shape[1], "batchmean": len(x)}
        loss = kl_divergence(target, logs) / divisors[reduction]
        update.step(gradients(loss, parameters), rate)
    return model
