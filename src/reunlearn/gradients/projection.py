"""Removing the conflict between two update directions.

Two directions conflict where their inner product is negative: a step along one undoes part of the other. No function
here branches on values, so none waits for the device; without a conflict they return their input unchanged to the bit.
"""

from __future__ import annotations

import torch
from torch import Tensor


def conflict_share(v_P: Tensor, w_P: Tensor, square: Tensor) -> Tensor:
    """Return min(0, ⟨v, w⟩) / square; 0 without conflict, even if `square` is 0."""
    product = torch.dot(v_P, w_P)
    return torch.where(product < 0, product / square, torch.zeros_like(product))


def unconflicted(v_P: Tensor, w_P: Tensor) -> Tensor:
    """Return v − ⟨v, w⟩/|w|² w where the two conflict, else v."""
    return v_P - conflict_share(v_P, w_P, torch.dot(w_P, w_P)) * w_P


def rectify(a_P: Tensor, d_P: Tensor) -> tuple[Tensor, Tensor]:
    """Project each of two conflicting directions onto the plane orthogonal to the other one before its projection.

    GDR-GMA, Eq. 4 and Algorithm 1.
    """
    return unconflicted(a_P, d_P), unconflicted(d_P, a_P)


def rectify_in_turn(a_P: Tensor, d_P: Tensor) -> tuple[Tensor, Tensor]:
    """Project d, then shift a along the already projected d′, scaled by the norm of the original d.

    The rule of GDR-GMA's released code. Because d′ is orthogonal to a, the conflict is only reduced: where the cosine
    of the pair was c < 0, that of (a′, d) is c³/√(1 + c² − c⁴) and not 0.
    """
    rectified_d = unconflicted(d_P, a_P)
    return a_P - conflict_share(a_P, d_P, torch.dot(d_P, d_P)) * rectified_d, rectified_d
