"""Taking the conflict out of two update directions.

Two directions conflict where their inner product is negative: a step along one undoes part of the other. All
functions are free of branches on values, so that nothing waits for the device; where there is no conflict
they return their input to the bit.
"""

from __future__ import annotations

import torch
from torch import Tensor


def conflict_share(v_P: Tensor, w_P: Tensor, square: Tensor) -> Tensor:
    """Return min(0, ⟨v, w⟩) / square, and 0 without conflict, whatever `square` is."""
    product = torch.dot(v_P, w_P)
    return torch.where(product < 0, product / square, torch.zeros_like(product))


def unconflicted(v_P: Tensor, w_P: Tensor) -> Tensor:
    """Return v − ⟨v, w⟩/|w|² w where the two conflict, else v."""
    return v_P - conflict_share(v_P, w_P, torch.dot(w_P, w_P)) * w_P


def rectify(a_P: Tensor, d_P: Tensor) -> tuple[Tensor, Tensor]:
    """Project each of two conflicting directions onto the plane normal to the other, both as they came.

    Each result is orthogonal to the other's original (GDR-GMA, Eq. 4 and Algorithm 1).
    """
    return unconflicted(a_P, d_P), unconflicted(d_P, a_P)


def rectify_in_turn(a_P: Tensor, d_P: Tensor) -> tuple[Tensor, Tensor]:
    """Project d, then shift a along the already projected d′, scaled with the norm of the original d.

    The rule of GDR-GMA's released code. d′ is orthogonal to a, so a only moves away from it: where the cosine
    of the pair was c < 0, that of (a′, d) is c³/√(1 + c² − c⁴) and not 0.
    """
    rectified_d = unconflicted(d_P, a_P)
    return a_P - conflict_share(a_P, d_P, torch.dot(d_P, d_P)) * rectified_d, rectified_d
