"""Re-initialising the weights that matter most to a set (the trimming step of Scissorhands).

s = |θ ⊙ Σ_b |∇ℓ_b||      SNIP saliency
θ ← fresh where s > s₍ₖ₎, the k-th smallest of all entries together, k = int(sparsity · P)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from reunlearn.gradients.flat import flatten, gradients

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
MARGIN = 1e-12  # a threshold this close to the smallest or largest saliency counts as equal to it


def snip(losses: Iterable[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return |θ ⊙ Σ_b |∇ℓ_b||, one tensor per parameter."""
    total = [torch.zeros_like(p) for p in parameters]
    for loss in losses:
        for accumulated, gradient in zip(total, gradients(loss, parameters), strict=True):
            accumulated += gradient.abs()
    return [(p.detach() * g).abs() for p, g in zip(parameters, total, strict=True)]


def above(saliencies: Sequence[Tensor], sparsity: float) -> list[Tensor]:
    """Return masks of the entries strictly above the k-th smallest of all, k = int(sparsity · P).

    Where this is the smallest or the largest of all, the threshold is (largest − smallest) / 2, as released.
    """
    every_P = flatten(saliencies)
    least, most = float(every_P.min()), float(every_P.max())
    k = int(sparsity * len(every_P))
    threshold = float(every_P.kthvalue(k).values) if k else least
    if threshold >= most - MARGIN or threshold <= least + MARGIN:
        threshold = (most - least) / 2
    return [s > threshold for s in saliencies]


def belongs(name: str, parts: Sequence[str]) -> bool:
    """Tell whether a parameter or module lies in one of the modules named in `parts`; True if `parts` is empty."""
    return not parts or any(name == part or name.startswith(part + ".") for part in parts)


def trimmable(model: nn.Module, parts: Sequence[str]) -> set[str]:
    """Return the names of the weights and biases in these modules; of normalisation only if `parts` names it."""
    names = set()
    for name, module in model.named_modules():
        chosen = name in parts if isinstance(module, NORMS) else belongs(name, parts)
        for key, parameter in module.named_parameters(recurse=False):
            if chosen and parameter.requires_grad and ("weight" in key or "bias" in key):
                names.add(f"{name}.{key}" if name else key)
    return names


def fresh(name: str, like: Tensor, generator: torch.Generator) -> Tensor:
    """Return initial values: 0 for a bias, else uniform in ± 1/√fan-in (Kaiming with a = √5).

    The fan-in of a tensor of one dimension is 1.
    """
    if "bias" in name.rsplit(".", 1)[-1]:
        return torch.zeros_like(like)
    fan_in = like[0].numel() if like.dim() > 1 else 1
    limit = 1 / math.sqrt(fan_in)
    values = torch.empty(like.shape, dtype=like.dtype).uniform_(-limit, limit, generator=generator)
    return values.to(like.device)
