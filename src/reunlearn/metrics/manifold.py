"""Precision and recall of samples: shares that lie in the other set's manifold (Kynkäänniemi et al. 2019, Eq. 1–3).

A set's manifold is the union of balls around its vectors, each as large as the distance to the k-th nearest other one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

NEIGHBOURS = 3  # k of the paper


def precision_and_recall(
    real_ND: np.ndarray, drawn_MD: np.ndarray, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Return the share of samples in the manifold of real images, and of real images in that of samples; in per cent.

    Raises:
        ValueError: a set has no k-th neighbour.
    """
    if min(len(real_ND), len(drawn_MD)) <= neighbours:
        raise ValueError(f"precision and recall need more than {neighbours} vectors of each set")
    real, drawn = (torch.from_numpy(x.astype(np.float64)) for x in (real_ND, drawn_MD))
    between_NM = torch.cdist(real, drawn)
    inside_real = (between_NM <= _radii(real, neighbours)[:, None]).any(dim=0)
    inside_drawn = (between_NM <= _radii(drawn, neighbours)[None, :]).any(dim=1)
    return 100 * float(inside_real.double().mean()), 100 * float(inside_drawn.double().mean())


def _radii(x_ND: Tensor, neighbours: int) -> Tensor:
    """Return the distance [N] of each vector to its k-th nearest other one; its own 0 comes first."""
    return torch.cdist(x_ND, x_ND).kthvalue(neighbours + 1, dim=1).values
