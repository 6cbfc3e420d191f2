"""ERM-KTP (class-wise): training with the mask regulariser, and the unlearning stage. METHODS 2.14.

The model: logits = head(global average of body(x)); ``body`` and ``head`` are names of submodules, ``body``
gives a feature map (samples, channels, height, width), ``head`` is linear. Mask M: (channels, classes),
starts at 0.5.

Training (``reference_training``), per batch in the given order, model in train mode:
 1. M is renormalised: every row (channel) divided by its maximum over the classes, then clipped to [0, 1].
 2. Epochs with ``epoch % 3 == masked_remainder``: logits = head(mean over space of M[:, y] * body(x)), loss
    = CE + regulariser(M). Other epochs: plain CE without mask or regulariser.
 3. One SGD step (hand-written) on the model and, in masked epochs, on M.
 regulariser(M) = lambda_reg * ( max(0, sum|M| - free * numel(M)) + overlap * sum_{i<j} M_i . M_j ), M_i the
 column of class i; lambda_reg 1e-3, free 0.1, overlap 0.1. lr 0.1, wd 5e-4, x0.1 at epochs 100 and 150 of
 200.

Unlearning (``reference``), teacher = the original model in eval mode, student = ``fresh`` (an explicit
argument):
 1. kept channel c: M[c, k] == 0 for every forgotten class k. Student head = teacher head, rows of forgotten
    classes 0 (and their biases), columns of channels not kept 0. The head is not trained.
 2. Per retain batch in the given order, student body in train mode: loss = MSE(body_s(x), body_t(x)) +
    MSE(mean over space of keep * body_s(x), the same of body_t(x)); each MSE a mean over all its entries;
    one SGD step on the body. Learning rate in epoch e (from 0): lr * 0.1^(number of milestones <= max(0, e
    - warm)).

``data`` for both: {"retain": [[(inputs, labels), ...] per epoch]}; training takes the full set under
"full".

Left open by METHODS, arguments here: which epoch of three is masked (``masked_remainder`` 0); M normalised
before the forward (``normalise_after`` moves it behind the step); weight decay on M (yes: one optimizer);
momentum (0.9); forgotten biases (``zero_bias``); the mask in the second match (``match_mask`` "kept": keep on
both maps; "teacher": on the teacher's alone, whose map is matched before and after masking; "labels": M[:, y] on
both); the weight of the second match (``match_weight`` 1); the epoch count of the
milestones (formula above).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, cross_entropy, gradients, parameters_of, sgd_step


def training_regulariser(
    mask: Tensor, *, lambda_reg: float = 1e-3, free: float = 0.1, overlap: float = 0.1
) -> Tensor:
    """Sparsity above the free share, plus the overlap of every pair of class columns."""
    excess = mask.abs().sum() - free * mask.numel()
    pairs = mask.new_zeros(())
    for i in range(mask.shape[1]):
        for j in range(i + 1, mask.shape[1]):
            pairs = pairs + (mask[:, i] * mask[:, j]).sum()
    return lambda_reg * (torch.clamp(excess, min=0.0) + overlap * pairs)


def normalise_mask(mask: Tensor) -> None:
    """Every row divided by its maximum, then clipped to [0, 1], in place."""
    with torch.no_grad():
        for c in range(mask.shape[0]):
            mask[c] = (mask[c] / mask[c].max()).clamp(0.0, 1.0)


def decayed(learning_rate: float, milestones: Sequence[int], count: int) -> float:
    """One factor of 0.1 for every milestone reached."""
    return learning_rate * 0.1 ** sum(1 for m in milestones if m <= count)


def reference_training(
    model: nn.Module,
    data: dict[str, Sequence[Sequence[Batch]]],
    *,
    mask: Tensor,
    body: str = "body",
    head: str = "head",
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    milestones: Sequence[int] = (100, 150),
    masked_remainder: int = 0,
    normalise_after: bool = False,
    lambda_reg: float = 1e-3,
    free: float = 0.1,
    overlap: float = 0.1,
) -> nn.Module:
    """Train in place; ``mask`` is changed in place too."""
    model.train()
    mask.requires_grad_(True)
    state: dict = {}
    for epoch, batches in enumerate(data["full"]):
        rate = decayed(learning_rate, milestones, epoch)
        masked = epoch % 3 == masked_remainder
        for x, y in batches:
            if not normalise_after:
                normalise_mask(mask)
            moved = dict(parameters_of(model))
            feature_map = model.get_submodule(body)(x)
            if masked:
                moved["the mask"] = mask
                feature_map = feature_map * mask[:, y].T[:, :, None, None]
            loss = cross_entropy(model.get_submodule(head)(feature_map.mean(dim=(2, 3))), y)
            if masked:
                loss = loss + training_regulariser(mask, lambda_reg=lambda_reg, free=free, overlap=overlap)
            sgd_step(
                moved,
                gradients(loss, moved),
                state,
                learning_rate=rate,
                momentum=momentum,
                weight_decay=weight_decay,
            )
            if normalise_after:
                normalise_mask(mask)
    mask.requires_grad_(False)
    return model


def transferred_head(
    teacher_head: nn.Linear, mask: Tensor, forgotten: Sequence[int], zero_bias: bool
) -> tuple:
    """Weight, bias and kept channels of the student's head."""
    weight = teacher_head.weight.detach().clone()
    bias = None if teacher_head.bias is None else teacher_head.bias.detach().clone()
    keep = torch.zeros(mask.shape[0], dtype=weight.dtype)
    for c in range(mask.shape[0]):
        keep[c] = 1.0 if all(float(mask[c, k]) == 0.0 for k in forgotten) else 0.0
        weight[:, c] *= keep[c]
    for k in forgotten:
        weight[k] = 0.0
        if bias is not None and zero_bias:
            bias[k] = 0.0
    return weight, bias, keep


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Sequence[Batch]]],
    *,
    fresh: nn.Module,
    mask: Tensor,
    forgotten: Sequence[int],
    body: str = "body",
    head: str = "head",
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    milestones: Sequence[int] = (10, 20),
    warm: int = 5,
    zero_bias: bool = True,
    match_mask: str = "kept",
    match_weight: float = 1.0,
) -> nn.Module:
    """Unlearning stage: ``model`` is the teacher (left as it is); the trained ``fresh`` is returned."""
    teacher_body, student_body = model.get_submodule(body), fresh.get_submodule(body)
    weight, bias, keep = transferred_head(model.get_submodule(head), mask, forgotten, zero_bias)
    with torch.no_grad():
        fresh.get_submodule(head).weight.copy_(weight)
        if bias is not None:
            fresh.get_submodule(head).bias.copy_(bias)
    was_training = model.training
    model.eval()
    fresh.train()
    moved, state = parameters_of(student_body), {}
    for epoch, batches in enumerate(data["retain"]):
        rate = decayed(learning_rate, milestones, max(0, epoch - warm))
        for x, y in batches:
            with torch.no_grad():
                target = teacher_body(x)
            output = student_body(x)
            per_channel = mask[:, y].T if match_mask == "labels" else keep.expand(len(x), -1)
            seen = output if match_mask == "teacher" else output * per_channel[:, :, None, None]
            pooled = (seen - target * per_channel[:, :, None, None]).mean(dim=(2, 3))
            loss = ((output - target) ** 2).mean() + match_weight * (pooled**2).mean()
            sgd_step(
                moved,
                gradients(loss, moved),
                state,
                learning_rate=rate,
                momentum=momentum,
                weight_decay=weight_decay,
            )
    model.train(was_training)
    return fresh
