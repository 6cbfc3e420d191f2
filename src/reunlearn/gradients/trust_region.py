"""A linear layer whose weights move only outside a protected space, and are only scaled inside it.

    W_eff = W + W U (Q − I) Uᵀ        W moves orthogonally to the space, Q scales within it

Trust-region gradient projection (TRGP, Lin et al. 2022). With G = ∂L/∂W_eff and U inside the space that P projects
onto, the gradients are

    ∂L/∂W (I − P) = G (I − P)         the scaling drops out, because Uᵀ (I − P) = 0
    ∂L/∂Q         = (W U)ᵀ G U

so that no graph through Q is needed: one backward pass with W_eff in the layer gives both.
"""

from __future__ import annotations

import torch
from torch import Tensor


class TrustRegion:
    """The state of one layer: W and Q.

    Args:
        weight_OD: weights of the layer, one row per output; copied.
        basis_DK: U, orthonormal columns inside the space.
    """

    def __init__(self, weight_OD: Tensor, basis_DK: Tensor) -> None:
        self.weight_OD = weight_OD.detach().clone()
        self.basis_DK = basis_DK
        self.scale_KK = torch.eye(basis_DK.shape[1], dtype=basis_DK.dtype, device=basis_DK.device)

    def effective(self) -> Tensor:
        """Return W_eff [O, D]."""
        inside_OK = self.weight_OD @ self.basis_DK
        return self.weight_OD + (inside_OK @ self.scale_KK - inside_OK) @ self.basis_DK.T

    def state(self) -> dict[str, Tensor]:
        """Return W and Q."""
        return {"weight": self.weight_OD, "scale": self.scale_KK}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.weight_OD, self.scale_KK = state["weight"], state["scale"]

    def step(self, gradient_OD: Tensor, outside_OD: Tensor, rate: float, scale_rate: float) -> None:
        """Take one gradient step of both W and Q.

        Args:
            gradient_OD: G, at the effective weights.
            outside_OD: G (I − P).
            rate: learning rate of W.
            scale_rate: learning rate of Q.
        """
        gradient_KK = (self.weight_OD @ self.basis_DK).T @ gradient_OD @ self.basis_DK
        self.weight_OD = self.weight_OD - rate * outside_OD
        self.scale_KK = self.scale_KK - scale_rate * gradient_KK
