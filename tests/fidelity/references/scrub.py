"""SCRUB (METHODS 2.16): a student leaves its teacher on Df and follows it on Dr.

Teacher: a copy of θ0, evaluation mode, never changed. Student: the model, `mode`.
Epochs e = 1 … E:  if e ≤ msteps: one pass over Df with loss −D;  then always one pass over Dr with loss
γ·CE + α·D.  D = T² · (1/m) · Σ_i KL_i on tempered outputs p = softmax(z/T) ("batchmean": divided by the
batch, not by the classes).

Steps: ("forget", x) and ("retain", x, y); in an epoch all forget steps come first, and only in the first
`msteps` epochs are there any.

Order of operations in a step: mode of both; teacher forward without gradient; student forward; loss;
gradient; one optimizer update. One optimizer runs through both kinds of step.
BatchNorm: student in `mode` on forget batches too; the teacher's running statistics stay.

Settings
  msteps          how many epochs have a forget pass
  gamma, alpha    γ on CE, α on D in the retain steps (nothing but −1 scales D in the forget steps)
  temperature     T
  kl_direction    "teacher_student": Σ p_t (log p_t − log p_s); "student_teacher": Σ p_s (log p_s − log p_t)
  optimizer, learning_rates (÷10 after epochs 3, 5, 9 in the large setting), mode: as elsewhere
  rewind          None, or (x_f, y_f, x_v, y_v): "+R". After each epoch the errors on Df and on validation
                  samples of the same classes are measured in evaluation mode; the state whose forget error
                  is closest to the LAST epoch's validation error is put back (the earliest if several are).

Left open in METHODS: "KL(student‖teacher)" there names the pair, while the order of a kl_div call with the
teacher as target is Σ p_t (log p_t − log p_s): kl_direction has no default; whether the state before epoch
1 may be rewound to (here: no).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import (
    Rates,
    cross_entropy,
    gradients,
    kl_divergence,
    log_softmax,
    rate_at,
    set_mode,
    softmax,
    trainable,
)


def distance(student: Tensor, teacher: Tensor, temperature: float, kl_direction: str) -> Tensor:
    """D of two batches of logits."""
    if kl_direction == "teacher_student":
        total = kl_divergence(softmax(teacher / temperature), log_softmax(student / temperature))
    elif kl_direction == "student_teacher":
        total = kl_divergence(softmax(student / temperature), log_softmax(teacher / temperature))
    else:
        raise ValueError(kl_direction)
    return temperature**2 * total / len(student)


def error(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of wrong predictions in evaluation mode."""
    set_mode(model, "eval")
    with torch.no_grad():
        wrong = [int(row.argmax()) != int(label) for row, label in zip(model(x), y, strict=True)]
    return sum(wrong) / len(wrong)


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    msteps: int,
    gamma: float,
    alpha: float,
    temperature: float,
    kl_direction: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    mode: str = "train",
    rewind: tuple[Tensor, Tensor, Tensor, Tensor] | None = None,
) -> nn.Module:
    """Alternates forget and retain passes; the model is changed in place and returned."""
    teacher = copy.deepcopy(model)
    set_mode(teacher, "eval")
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    kept: list[tuple[float, dict[str, Tensor]]] = []
    for epoch, steps in enumerate(batches):
        kinds = [step[0] for step in steps]
        if kinds != sorted(kinds) or ("forget" in kinds) != (epoch + 1 <= msteps):
            raise ValueError("forget passes belong before the retain pass of the first msteps epochs")
        for index, step in enumerate(steps):
            set_mode(model, mode)
            with torch.no_grad():
                taught = teacher(step[1])
            logits = model(step[1])
            d = distance(logits, taught, temperature, kl_direction)
            loss = -d if step[0] == "forget" else gamma * cross_entropy(logits, step[2]) + alpha * d
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, index))
        if rewind is not None:
            x_f, y_f, x_v, y_v = rewind
            kept.append((error(model, x_f, y_f), copy.deepcopy(model.state_dict())))
    if rewind is not None:
        wanted = error(model, x_v, y_v)
        gaps = [abs(forget_error - wanted) for forget_error, _ in kept]
        model.load_state_dict(kept[gaps.index(min(gaps))][1])
    return model
