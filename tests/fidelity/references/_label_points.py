"""The points of a label correction, and the difference of their gradients: both updates of Warnecke et al. 2023.

1. Evaluation mode for every forward; everything at the given weights.
2. z: walk through the training samples in the given `order`; keep those whose prediction differs from the CLEAN label,
   the first `maximum` of them. Labels of z: what the model predicts. z̃: the same inputs with the clean labels.
   `labels_of_z` gives labels of all training samples (poisoned ones, say) to be used in place of the predictions; then
   z is where these differ from the clean labels.
3. difference = Σ over z̃ of ∇CE − Σ over z of ∇CE (sums, not means).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._losses import cross_entropy
from ._modes import evaluating
from ._samples import Batch
from ._weights import Tensors, gradients, trainable, zeros_like


def last_tensors(model: nn.Module, count: int | None) -> dict[str, nn.Parameter]:
    """Return the last `count` trainable parameters in the model's order; None: all of them."""
    everything = list(trainable(model).items())
    return dict(everything if count is None else everything[-count:])


def chosen_points(
    model: nn.Module,
    samples: Batch,
    *,
    order: Sequence[int] | None,
    maximum: int,
    labels_of_z: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, labels of z and labels of z̃ (step 2)."""
    x, clean = samples
    chosen, wrong = [], []
    with evaluating(model), torch.no_grad():
        for i in range(len(clean)) if order is None else order:
            predicted = int(model(x[i : i + 1])[0].argmax())
            label = predicted if labels_of_z is None else int(labels_of_z[i])
            if label != int(clean[i]) and len(chosen) < maximum:
                chosen.append(i)
                wrong.append(label)
    return x[chosen], torch.tensor(wrong, dtype=torch.long), clean[chosen]


def gradient_difference(
    model: nn.Module, points: tuple[Tensor, Tensor, Tensor], parameters: Tensors
) -> Tensors:
    """Return the difference of step 3, taken sample by sample."""
    x, wrong, clean = points
    total = zeros_like(parameters)
    with evaluating(model):
        for i in range(len(clean)):
            logits = model(x[i : i + 1])
            for labels, sign in ((clean, 1.0), (wrong, -1.0)):
                for name, g in gradients(cross_entropy(logits, labels[i : i + 1]), parameters).items():
                    total[name] += sign * g
    return total
