"""Influence unlearning with the WoodFisher recursion. Izzo et al. 2021, Jia et al. 2023.

In this order (`reference`):
 1. Evaluation mode for every forward; all gradients at the ORIGINAL weights.
 2. v = (1/n) · [Σ over forget samples of ∇CE − (|forget| / |retain|) · Σ over retain samples of ∇CE],
    n = |forget| + |retain|.
 3. Recursion over single retain samples in the given order, k = v. First sample: o = g, nothing else. Every later
    sample: t = o·g; k −= (k·g)/(N + t) · o; o −= t/(N + t) · o. At most `maximum_samples` samples are used (1002, the
    first one included); N stays what it is (1000) whatever the number of samples.
 4. w += α · k over all trainable parameters, as one long vector.
No buffers are touched; the mode the model came in is put back.

The released o never takes in the new sample's direction: it stays parallel to the first gradient, so that k is the
product with the inverse Hessian only if all gradients are parallel. `recursion="exact"` is the textbook's instead:
(I + (1/N) Σ_i g_i g_iᵀ)⁻¹ v by Sherman–Morrison, over the same samples, the first included.

`data`: {"retain": (inputs, labels), "forget": (inputs, labels)}.
`number` is N; `alpha` the step size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._losses import cross_entropy
from ._modes import evaluating
from ._samples import Batch
from ._weights import add_to, flat, gradients, split_like, trainable, with_zeros


def sample_gradients(model: nn.Module, samples: Batch) -> list[Tensor]:
    """Return the gradient [P] of each single sample's loss, in evaluation mode."""
    parameters = trainable(model)
    x, y = samples
    rows = []
    with evaluating(model):
        for i in range(len(y)):
            slopes = gradients(cross_entropy(model(x[i : i + 1]), y[i : i + 1]), parameters)
            rows.append(flat(with_zeros(slopes, parameters)))
    return rows


def difference_vector(forget: Sequence[Tensor], retain: Sequence[Tensor]) -> Tensor:
    """Return v of step 2."""
    forget_sum, retain_sum = torch.stack(list(forget)).sum(0), torch.stack(list(retain)).sum(0)
    n = len(forget) + len(retain)
    return (forget_sum - len(forget) / len(retain) * retain_sum) / n


def woodfisher_released(v: Tensor, rows: Sequence[Tensor], number: float) -> Tensor:
    """Return k of step 3 as released."""
    k, o = v.clone(), rows[0].clone()
    for g in rows[1:]:
        t = torch.dot(o, g)
        k = k - torch.dot(k, g) / (number + t) * o
        o = o - t / (number + t) * o
    return k


def woodfisher_exact(v: Tensor, rows: Sequence[Tensor], number: float) -> Tensor:
    """Return (I + (1/N) Σ g gᵀ)⁻¹ v with a dense matrix updated sample by sample (Sherman–Morrison)."""
    inverse = torch.eye(v.numel(), dtype=v.dtype)
    for g in rows:
        o = inverse @ g
        inverse = inverse - torch.outer(o, o) / (number + torch.dot(g, o))
    return inverse @ v


def reference(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    alpha: float,
    number: float = 1000.0,
    maximum_samples: int = 1002,
    recursion: str = "released",
) -> nn.Module:
    """Take one step away from forget; `recursion` is "released" or "exact"."""
    forget = sample_gradients(model, data["forget"])
    retain = sample_gradients(model, data["retain"])
    invert = {"released": woodfisher_released, "exact": woodfisher_exact}[recursion]
    k = invert(difference_vector(forget, retain), retain[:maximum_samples], number)
    parameters = trainable(model)
    add_to(parameters, split_like(k, parameters), alpha)
    return model
