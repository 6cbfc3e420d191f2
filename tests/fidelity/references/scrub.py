"""SCRUB: a student leaves its teacher on forget and follows it on retain. Kurmanji et al. 2023, Eq. 3.

Teacher: a copy of θ0, in evaluation mode, never changed. Student: the model, in training mode.
Epochs e = 1 … E: if e ≤ msteps, one pass over forget with the loss −D; then always one pass over retain with the loss
γ·CE + α·D. D = T² · (1/m) · Σ_i KL_i of tempered outputs p = softmax(z/T), divided by the batch and not by the classes.

Steps: ("forget", x) and ("retain", x, y). In an epoch all forget steps come first, and only in the first `msteps`
epochs are there any.

In a step, in this order: the student's mode; the teacher's forward without gradient; the student's forward; loss;
gradient; one update of the optimizer. One optimizer runs through both kinds of step.

Settings
  msteps          how many epochs have a forget pass
  gamma, alpha    γ on CE, α on D in the retain steps (nothing but −1 scales D in the forget steps)
  temperature     T
  kl_direction    "teacher_student": Σ p_t (log p_t − log p_s); "student_teacher": Σ p_s (log p_s − log p_t)
  optimizer       see _optimizers.py
  learning_rates  one number, or one for each epoch (÷10 after epochs 3, 5, 9 in the large setting)
  rewind          None, or (x_f, y_f, x_v, y_v): "+R". After each epoch the errors on forget and on validation samples
                  of the same classes are measured in evaluation mode. The state whose forget error is closest to the
                  LAST epoch's validation error is put back, the earliest of equal ones. The state before epoch 1 is
                  no candidate.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ._losses import cross_entropy, kl_divergence, log_softmax, softmax
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, rate_at
from ._weights import gradients, trainable


def distance(student: Tensor, teacher: Tensor, temperature: float, kl_direction: str) -> Tensor:
    """Return D of two batches of logits [B, K]."""
    if kl_direction == "teacher_student":
        total = kl_divergence(softmax(teacher / temperature), log_softmax(student / temperature))
    elif kl_direction == "student_teacher":
        total = kl_divergence(softmax(student / temperature), log_softmax(teacher / temperature))
    else:
        raise ValueError(f"{kl_direction} is neither teacher_student nor student_teacher")
    return temperature**2 * total / len(student)


def error(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the share of wrong predictions in evaluation mode."""
    set_mode(model, "eval")
    with torch.no_grad():
        wrong = [int(row.argmax()) != int(label) for row, label in zip(model(x), y, strict=True)]
    return sum(wrong) / len(wrong)


def check_order(epochs: Epochs, msteps: int) -> None:
    """Refuse forget steps after retain steps, and in other epochs than the first `msteps`."""
    for number, steps in enumerate(epochs, start=1):
        kinds = [step[0] for step in steps]
        if kinds != sorted(kinds) or ("forget" in kinds) != (number <= msteps):
            raise ValueError("forget passes belong before the retain pass of the first msteps epochs")


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    msteps: int,
    gamma: float,
    alpha: float,
    temperature: float,
    kl_direction: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    rewind: tuple[Tensor, Tensor, Tensor, Tensor] | None = None,
) -> nn.Module:
    """Alternate forget and retain passes; the model is changed in place and returned."""
    check_order(epochs, msteps)
    teacher = copy.deepcopy(model).eval()
    parameters = trainable(model)
    update = build(parameters, optimizer)
    candidates: list[tuple[float, dict[str, Tensor]]] = []  # forget error, state
    for epoch, steps in enumerate(epochs):
        for number, step in enumerate(steps):
            set_mode(model, "train")
            with torch.no_grad():
                taught = teacher(step[1])
            logits = model(step[1])
            d = distance(logits, taught, temperature, kl_direction)
            loss = -d if step[0] == "forget" else gamma * cross_entropy(logits, step[2]) + alpha * d
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, number))
        if rewind is not None:
            candidates.append((error(model, *rewind[:2]), copy.deepcopy(model.state_dict())))
    if rewind is not None:
        wanted = error(model, *rewind[2:])
        gaps = [abs(forget_error - wanted) for forget_error, _ in candidates]
        model.load_state_dict(candidates[gaps.index(min(gaps))][1])
    return model
