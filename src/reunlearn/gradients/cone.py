"""Turning a gradient until it agrees with stored ones (the dual of Gradient Episodic Memory, Lopez-Paz 2017).

    g ← g + Mᵀ v,   v = argmin ½ vᵀ(M Mᵀ + ε I) v + (M g)ᵀ v   with v ≥ margin

M [m, P] holds m stored gradients, the memories. For one memory v = max(margin, −(m·g)/(|m|² + ε)). For a few memories,
all 2ᵐ choices of active constraints are tried: exactly one of them satisfies the conditions of optimality.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor


def bounded_minimum(quadratic_MM: Tensor, linear_M: Tensor, margin: float) -> Tensor:
    """Return argmin ½ vᵀ Q v + cᵀ v with v ≥ margin [M], for a positive definite Q [M, M] and a small M."""
    count = len(linear_M)
    best, least = torch.full_like(linear_M, margin), torch.inf
    for choice in product((False, True), repeat=count):
        free = torch.tensor(choice, device=linear_M.device)
        v_M = torch.full_like(linear_M, margin)
        if any(choice):
            pull = linear_M[free] + margin * quadratic_MM[free][:, ~free].sum(dim=1)
            v_M[free] = -torch.linalg.solve(quadratic_MM[free][:, free], pull)
        value = float(0.5 * v_M @ quadratic_MM @ v_M + linear_M @ v_M)
        if bool((v_M >= margin).all()) and value < least:
            best, least = v_M, value
    return best


def agree(gradient_P: Tensor, memories_MP: Tensor, margin: float, epsilon: float) -> Tensor:
    """Return the gradient [P], turned if its product with any memory is negative, else unchanged to the bit.

    Args:
        gradient_P: of a loss to be minimised.
        memories_MP: gradients with which its product should not be negative.
        margin: smallest weight of every memory where the gradient is turned.
        epsilon: added to the diagonal of M Mᵀ.
    """
    products_M = memories_MP @ gradient_P
    if not bool((products_M < 0).any()):
        return gradient_P
    gram_MM = (memories_MP @ memories_MP.T).double()
    gram_MM.diagonal().add_(epsilon)
    v_M = bounded_minimum(gram_MM, products_M.double(), margin)
    return gradient_P + v_M.to(gradient_P) @ memories_MP
