"""ERM-KTP, for whole classes: the training with the mask, and the transfer after it. Lin et al. 2023.

The model: logits = head(global average of body(x)). `body` and `head` are names of submodules; `body` gives a feature
map [B, C, H, W], `head` is linear. Mask M: [channels, classes], starts at 0.5.

Training (`reference_training`), per batch in the given order, in training mode:
 1. M is normalised: every row (channel) divided by its maximum over the classes, then clipped to [0, 1].
    `normalise_after` moves this behind the step.
 2. In epochs with epoch % 3 == `masked_remainder`: logits = head(mean over space of M[:, y] · body(x)),
    loss = CE + regulariser(M). In other epochs: plain CE without mask or regulariser.
 3. One step on the model and, in masked epochs, on M, by one optimizer (so weight decay acts on M too).
 regulariser(M) = 1e-3 · ( max(0, Σ|M| − 0.1 · entries of M) + 0.1 · Σ_{i<j} M_i · M_j ), M_i the column of class i.
 Released: SGD at 0.1 with momentum 0.9 and weight decay 5e-4, ×0.1 at epochs 100 and 150 of 200.

Transfer (`reference`), teacher = the original model in evaluation mode, student = `fresh`:
 1. Kept channel c: M[c, k] == 0 for every forgotten class k. Student head = teacher head with the rows and biases of
    forgotten classes at 0, and the columns of channels not kept at 0. The head is not trained.
 2. Per retain batch in the given order, student body in training mode:
    loss = MSE(body_s(x), body_t(x)) + MSE(pooled), each MSE a mean over all its entries; one step on the body. Learning
    rate in epoch e (from 0): lr · 0.1^(number of milestones <= max(0, e − warm)).
    pooled = mean over space of k · body_s(x) minus that of k · body_t(x), k 1 on kept channels, else 0
    (`match_mask` "kept"); "teacher" has k on the teacher's map alone.

`data`: {"full": [[(inputs, labels), …] per epoch]} for the training, {"retain": the same} for the transfer.
`optimizer`: see _optimizers.py.

The sources do not say which epoch of three is masked, nor how epochs are counted towards the milestones: arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._losses import cross_entropy
from ._modes import modes_kept
from ._optimizers import build
from ._samples import Batch
from ._weights import gradients, trainable

STRENGTH, FREE_SHARE, OVERLAP = 1e-3, 0.1, 0.1


def training_regulariser(mask_CK: Tensor) -> Tensor:
    """Return the loss of the mask: what it has above the free share, and the overlap of each pair of classes."""
    excess = mask_CK.abs().sum() - FREE_SHARE * mask_CK.numel()
    pairs = mask_CK.new_zeros(())
    for i in range(mask_CK.shape[1]):
        for j in range(i + 1, mask_CK.shape[1]):
            pairs = pairs + (mask_CK[:, i] * mask_CK[:, j]).sum()
    return STRENGTH * (torch.clamp(excess, min=0.0) + OVERLAP * pairs)


def normalise_mask(mask_CK: Tensor) -> None:
    """Divide each row by its maximum, then clip it to [0, 1], in place."""
    with torch.no_grad():
        for c in range(mask_CK.shape[0]):
            mask_CK[c] = (mask_CK[c] / mask_CK[c].max()).clamp(0.0, 1.0)


def decayed(learning_rate: float, milestones: Sequence[int], count: int) -> float:
    """Return the rate after one factor of 0.1 for every milestone reached."""
    return learning_rate * 0.1 ** sum(1 for m in milestones if m <= count)


def reference_training(
    model: nn.Module,
    data: dict[str, Sequence[Sequence[Batch]]],
    *,
    mask: Tensor,
    body: str = "body",
    head: str = "head",
    optimizer: dict[str, Any],
    learning_rate: float,
    milestones: Sequence[int] = (100, 150),
    masked_remainder: int = 0,
    normalise_after: bool = False,
) -> nn.Module:
    """Train with the mask; model and mask are changed in place, the model is returned."""
    model.train()
    mask.requires_grad_(True)
    weights = trainable(model)
    update = build({**weights, "the mask": mask}, optimizer)
    for epoch, batches in enumerate(data["full"]):
        rate = decayed(learning_rate, milestones, epoch)
        masked = epoch % 3 == masked_remainder
        for x, y in batches:
            if not normalise_after:
                normalise_mask(mask)
            feature_map = model.get_submodule(body)(x)
            if masked:
                feature_map = feature_map * mask[:, y].T[:, :, None, None]
            loss = cross_entropy(model.get_submodule(head)(feature_map.mean(dim=(2, 3))), y)
            if masked:
                loss = loss + training_regulariser(mask)
            update.step(gradients(loss, {**weights, "the mask": mask}), rate)
            if normalise_after:
                normalise_mask(mask)
    mask.requires_grad_(False)
    return model


def transferred_head(
    teacher_head: nn.Linear, mask_CK: Tensor, forgotten: Sequence[int]
) -> tuple[Tensor, ...]:
    """Return weight [K, C] and bias [K] of the student's head, and 1 for each kept channel [C]."""
    weight = teacher_head.weight.detach().clone()
    bias = teacher_head.bias.detach().clone()
    keep = torch.zeros(mask_CK.shape[0], dtype=weight.dtype)
    for c in range(mask_CK.shape[0]):
        keep[c] = 1.0 if all(float(mask_CK[c, k]) == 0.0 for k in forgotten) else 0.0
        weight[:, c] *= keep[c]
    for k in forgotten:
        weight[k] = 0.0
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
    optimizer: dict[str, Any],
    learning_rate: float,
    milestones: Sequence[int] = (10, 20),
    warm: int = 5,
    match_mask: str = "kept",
) -> nn.Module:
    """Transfer what stays; `model`, the teacher, is left as it is, and the trained `fresh` is returned."""
    teacher_body, student_body = model.get_submodule(body), fresh.get_submodule(body)
    weight, bias, keep = transferred_head(model.get_submodule(head), mask, forgotten)
    with torch.no_grad():
        fresh.get_submodule(head).weight.copy_(weight)
        fresh.get_submodule(head).bias.copy_(bias)
    kept_channels = keep[None, :, None, None]
    moved = trainable(student_body)
    update = build(moved, optimizer)
    with modes_kept(model):
        model.eval()
        fresh.train()
        for epoch, batches in enumerate(data["retain"]):
            rate = decayed(learning_rate, milestones, max(0, epoch - warm))
            for x, _ in batches:
                with torch.no_grad():
                    target = teacher_body(x)
                output = student_body(x)
                seen = output if match_mask == "teacher" else output * kept_channels
                pooled = (seen - target * kept_channels).mean(dim=(2, 3))
                loss = ((output - target) ** 2).mean() + (pooled**2).mean()
                update.step(gradients(loss, moved), rate)
    return fresh
