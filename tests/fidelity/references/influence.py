"""Influence unlearning (IU) with the WoodFisher recursion. METHODS 2.17, corrections 7.13.

Order of operations (``reference``):
 1. eval mode for every forward; all gradients at the ORIGINAL weights.
 2. v = (1/n) * [ sum over forget samples of grad CE - (|Df| / |Dr|) * sum over retain samples of grad CE ],
    n = |D| = |Df| + |Dr|.
 3. Recursion over single retain samples in the given order (batch 1, unshuffled), k = v:
    first sample: o = g (nothing else); every later sample: t = o.g; k -= (k.g)/(N + t) * o; o -= t/(N + t)
    * o. At most ``maximum_samples`` samples are used (1,002, the initialising one included); N stays 1,000
    whatever the number of samples.
 4. w += alpha * k over all trainable parameters, one long vector.
No buffers touched, the mode the model came in is put back.

Note: the released o never takes in the new sample's direction: it stays parallel to the first gradient, so
k is the inverse-Hessian product only if all gradients are parallel. ``recursion="exact"`` is the textbook
WoodFisher instead: (I + (1/N) sum_i g_i g_i^T)^-1 v by Sherman-Morrison, over the same samples, the first
included.

``data``: {"retain": (inputs, labels), "forget": (inputs, labels)}.
``number`` is N; ``alpha`` the step size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, add_to, cross_entropy_sum, flat, gradients, parameters_of, split_like


def sample_gradients(model: nn.Module, samples: Batch, names: Sequence[str] | None = None) -> list[Tensor]:
    """Flattened CE gradient of every single sample, eval mode."""
    parameters = parameters_of(model, names)
    was_training = model.training
    model.eval()
    x, y = samples
    rows = []
    for i in range(len(y)):
        rows.append(flat(gradients(cross_entropy_sum(model(x[i : i + 1]), y[i : i + 1]), parameters)))
    model.train(was_training)
    return rows


def difference_vector(forget: Sequence[Tensor], retain: Sequence[Tensor]) -> Tensor:
    """Step 2."""
    forget_sum, retain_sum = torch.stack(list(forget)).sum(0), torch.stack(list(retain)).sum(0)
    n = len(forget) + len(retain)
    return (forget_sum - len(forget) / len(retain) * retain_sum) / n


def woodfisher_released(v: Tensor, rows: Sequence[Tensor], number: float) -> Tensor:
    """Step 3 as released."""
    k, o = v.clone(), None
    for g in rows:
        if o is None:
            o = g.clone()
            continue
        t = torch.dot(o, g)
        k = k - torch.dot(k, g) / (number + t) * o
        o = o - t / (number + t) * o
    return k


def woodfisher_exact(v: Tensor, rows: Sequence[Tensor], number: float) -> Tensor:
    """(I + (1/N) sum g g^T)^-1 v with a dense matrix updated sample by sample (Sherman-Morrison)."""
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
    names: Sequence[str] | None = None,
) -> nn.Module:
    """Influence unlearning; ``recursion`` is "released" or "exact"."""
    forget = sample_gradients(model, data["forget"], names)
    retain = sample_gradients(model, data["retain"], names)
    invert = {"released": woodfisher_released, "exact": woodfisher_exact}[recursion]
    k = invert(difference_vector(forget, retain), retain[:maximum_samples], number)
    parameters = parameters_of(model, names)
    add_to(parameters, split_like(k, parameters), alpha)
    return model
