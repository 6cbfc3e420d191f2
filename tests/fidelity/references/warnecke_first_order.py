"""Warnecke et al., first-order update. METHODS 2.21.

Order of operations:
 1. eval mode for every forward; everything at the given weights.
 2. z: walk through the training samples in the given ``order``; keep those whose prediction differs from
    the CLEAN label, the first ``maximum`` of them (1,024). Labels of z: the model's predicted labels. z~:
    the same inputs with the clean labels.
 3. difference = sum over z~ of grad CE - sum over z of grad CE (sums, not means), over the LAST ``tensors``
    trainable tensors (6).
 4. w -= tau * difference, once.
No buffers touched, the mode the model came in is put back.

``data``: {"training": (inputs, clean labels)}. ``order``: sample indices, the random draw of the subset
made explicit; None means file order. ``tau``: 2e-5.

Left open by METHODS, arguments here:
 - ``labels_of_z``: labels for all training samples (the poisoned ones, say) to be used for z in place of
   the predictions; then z is where these differ from the clean labels;
 - ``tensors=None`` takes all trainable tensors;
 - the BatchNorm mode is not stated: eval here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, Tensors, add_to, cross_entropy_sum, gradients, parameters_of


def last_tensors(model: nn.Module, tensors: int | None) -> dict[str, nn.Parameter]:
    """The last ``tensors`` trainable parameters in the model's order."""
    everything = list(parameters_of(model).items())
    return dict(everything if tensors is None else everything[-tensors:])


def chosen_points(
    model: nn.Module,
    samples: Batch,
    *,
    order: Sequence[int] | None,
    maximum: int,
    labels_of_z: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Step 2: inputs, labels of z, labels of z~."""
    x, clean = samples
    was_training = model.training
    model.eval()
    chosen, wrong = [], []
    for i in range(len(clean)) if order is None else order:
        with torch.no_grad():
            label = int(model(x[i : i + 1])[0].argmax()) if labels_of_z is None else int(labels_of_z[i])
        if label != int(clean[i]) and len(chosen) < maximum:
            chosen.append(i)
            wrong.append(label)
    model.train(was_training)
    return x[chosen], torch.tensor(wrong, dtype=torch.long), clean[chosen]


def gradient_difference(
    model: nn.Module, points: tuple[Tensor, Tensor, Tensor], parameters: Tensors
) -> Tensors:
    """Step 3, sample by sample."""
    x, wrong, clean = points
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    was_training = model.training
    model.eval()
    for i in range(len(clean)):
        logits = model(x[i : i + 1])
        with_clean = gradients(cross_entropy_sum(logits, clean[i : i + 1]), parameters)
        with_wrong = gradients(cross_entropy_sum(logits, wrong[i : i + 1]), parameters)
        for name in total:
            total[name] += with_clean[name] - with_wrong[name]
    model.train(was_training)
    return total


def reference(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    tau: float = 2e-5,
    tensors: int | None = 6,
    order: Sequence[int] | None = None,
    maximum: int = 1024,
    labels_of_z: Tensor | None = None,
) -> nn.Module:
    """First-order update of the last tensors."""
    points = chosen_points(model, data["training"], order=order, maximum=maximum, labels_of_z=labels_of_z)
    parameters = last_tensors(model, tensors)
    add_to(parameters, gradient_difference(model, points, parameters), -tau)
    return model
