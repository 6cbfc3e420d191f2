"""Incompetent teacher, BadT / BT (METHODS 2.9): KL( l·p_bad + (1−l)·p_good ‖ student ), l = 1 on Df.

Good teacher: a copy of θ0. Bad teacher: `bad_teacher`, a fresh network of the same architecture. Both in
evaluation mode, without gradient, never changed (the bad one keeps its untouched BatchNorm statistics).

Step: (x, is_forget): a batch of Df joined with (part of) Dr and shuffled; is_forget[i] is l of sample i.
No label is used.

Order of operations in a step: mode of the student; the two teachers' forwards; target
t_i = l_i softmax(z_bad,i / T) + (1−l_i) softmax(z_good,i / T); student forward; loss
Σ_i KL(t_i ‖ softmax(z_i / T)) divided by m·C ("mean", kl_div's default) or by m ("batchmean"); gradient;
one optimizer update.
BatchNorm: student in `mode`.

Settings
  bad_teacher     the fresh network, with its weights and buffers
  temperature     T (1); no factor T² anywhere
  reduction       "mean": ÷ (batch · classes), as released | "batchmean": ÷ batch
  optimizer       see optimizers.py; METHODS: {"name": "adam"}, learning rate 1e-4
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            "train" (a fresh module's mode; SFR-on says train()) | "eval" | "bn_eval"

Left open in METHODS: T² for T ≠ 1 (here: none). The share of Dr that is used (30 %, redrawn in each run)
is in the steps given.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from . import optimizers
from .plain import Rates, gradients, kl_divergence, log_softmax, rate_at, set_mode, softmax, trainable


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    bad_teacher: nn.Module,
    reduction: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    temperature: float = 1.0,
    mode: str = "train",
) -> nn.Module:
    """Distils from the two teachers; the model is changed in place and returned."""
    good, bad = copy.deepcopy(model), copy.deepcopy(bad_teacher)
    set_mode(good, "eval")
    set_mode(bad, "eval")
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, (x, is_forget) in enumerate(steps):
            set_mode(model, mode)
            with torch.no_grad():
                p_bad = softmax(bad(x) / temperature)
                p_good = softmax(good(x) / temperature)
            target = torch.stack([p_bad[i] if is_forget[i] else p_good[i] for i in range(len(x))])
            logs = log_softmax(model(x) / temperature)
            divisors = {"mean": len(x) * logs.shape[1], "batchmean": len(x)}
            loss = kl_divergence(target, logs) / divisors[reduction]
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, index))
    return model
