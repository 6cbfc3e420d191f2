"""Fréchet distance between two sets of feature vectors, each taken as a Gaussian (Heusel et al. 2017, Eq. 6).

    ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)

Only with features of Inception-V3's last pooling is it what papers call FID.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class _Given(nn.Module):
    """The feature network of torchmetrics where features are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features_ND: Tensor) -> Tensor:
        return features_ND


def frechet_distance(a_ND: np.ndarray, b_MD: np.ndarray) -> float:
    """Return the distance; NaN where a feature is not finite.

    Raises:
        ValueError: a set has fewer than two vectors: it has no covariance.
    """
    from reunlearn.data.torchmetrics_compat import (
        FrechetInceptionDistance,
    )  # here: it takes seconds to import

    if min(len(a_ND), len(b_MD)) < 2:
        raise ValueError("a Fréchet distance needs two vectors of each set")
    if not (np.isfinite(a_ND).all() and np.isfinite(b_MD).all()):
        return float("nan")
    distance = FrechetInceptionDistance(feature=_Given(a_ND.shape[1]))
    distance.set_dtype(torch.float64)
    for features, real in ((a_ND, True), (b_MD, False)):
        distance.update(torch.from_numpy(features.astype(np.float64)), real=real)
    return float(distance.compute())
