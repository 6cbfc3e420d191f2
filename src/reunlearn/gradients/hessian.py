"""Products with the Hessian and with its inverse; neither matrix is formed.

    H u = ∇⟨∇L, u⟩                                                            one more backward pass
    LiSSA:  u ← v + (1 − δ) u − H_t u / s,   u/s → (s δ + H)⁻¹ v              (Agarwal et al. 2017)

LiSSA converges where every eigenvalue of δ + H/s lies between 0 and 2: the scale s must be above half the largest
eigenvalue of H. In directions of small curvature it stops long before it converges: u grows by v in each step there,
so that u/s is a plain gradient step whose length grows with the number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reunlearn.gradients.flat import gradients


def hessian_product(loss: Tensor, parameters: Sequence[Tensor], vector: Sequence[Tensor]) -> list[Tensor]:
    """Return H u, one tensor per parameter, for H = ∂²loss/∂parameters².

    Args:
        loss: a scalar with its graph, which is freed.
        parameters: what the loss is differentiated by.
        vector: u, shaped as the parameters.
    """
    slopes = gradients(loss, parameters, create_graph=True)
    along = torch.stack([(g * u).sum() for g, u in zip(slopes, vector, strict=True)]).sum()
    if not along.requires_grad:  # the loss is linear in the parameters
        return [torch.zeros_like(p) for p in parameters]
    return gradients(along, parameters)


@dataclass(frozen=True)
class Inverse:
    """The result of LiSSA.

    Attributes:
        solution: u/s, shaped as v.
        steps: how many steps were taken.
        reason: why it ended: "converged" (the change of u was not the smallest so far for `patience` steps), "limit"
            (the largest number of steps was taken), or "diverged" (the patience ran out before the change ever became
            smaller, or u is not finite).
    """

    solution: list[Tensor]
    steps: int
    reason: str


@torch.no_grad()
def lissa(
    product: Callable[[int, list[Tensor]], list[Tensor]],
    vector: Sequence[Tensor],
    *,
    scale: float,
    damping: float,
    limit: int,
    patience: int,
) -> Inverse:
    """Return an estimate of (s δ + H)⁻¹ v, stopped early as in the released code of Warnecke et al. 2023.

    The change of a step is Σ|u_new − u|. After a step with the smallest change so far, `patience` − 2 more steps may
    pass without a smaller one. The next step without a smaller one is the last; its u is the result.

    Args:
        product: returns H_t u from t = 0, 1, … and u; H_t may belong to another batch of samples in each step.
        vector: v, and also the first u.
        scale: s.
        damping: δ.
        limit: largest number of steps.
        patience: see above.
    """
    u = [part.clone() for part in vector]
    least, waited = math.inf, 0
    for step in range(limit):
        curved = product(step, u)
        new = [v + (1 - damping) * a - h / scale for v, a, h in zip(vector, u, curved, strict=True)]
        change = float(torch.stack([(a - b).abs().sum() for a, b in zip(new, u, strict=True)]).sum())
        u = new
        if not math.isfinite(change):
            return Inverse(u, step + 1, "diverged")
        if change > least and waited >= patience:
            return Inverse(
                [part / scale for part in u], step + 1, "converged" if step >= patience else "diverged"
            )
        if change < least:
            least, waited = change, 1
        waited += 1
    return Inverse([part / scale for part in u], limit, "limit")
