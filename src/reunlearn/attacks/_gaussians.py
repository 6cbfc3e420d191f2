"""One Gaussian per sample, fitted to the margins of shadow models.

With few models a variance per sample is mostly noise: where any sample has fewer than PER_SAMPLE models, all samples
share one variance (the mean squared residual from each sample's own mean). LiRA's authors find this better with few
models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PER_SAMPLE = 32  # with at least this many models for every sample, each sample has a variance of its own
LEAST = 2  # models that a variance needs
FLOOR = 1e-6  # smallest variance: half-precision logits do not resolve less


@dataclass(frozen=True)
class Gaussians:
    """Mean and variance of N samples, and whether all share the variance."""

    mean: np.ndarray
    variance: np.ndarray
    pooled: bool

    def log_density(self, margin_N: np.ndarray) -> np.ndarray:
        """Return ln N(margin; mean, variance) [N]."""
        squared_N = (margin_N - self.mean) ** 2 / self.variance
        return -0.5 * (squared_N + np.log(2 * np.pi * self.variance))

    def standardised(self, margin_N: np.ndarray) -> np.ndarray:
        """Return (margin − mean) / deviation [N]."""
        return (margin_N - self.mean) / np.sqrt(self.variance)


def fit(margins_MN: np.ndarray, chosen_MN: np.ndarray, name: str) -> Gaussians:
    """Return the Gaussian of each sample over the margins of its chosen models.

    Args:
        margins_MN: margins of M models on N samples.
        chosen_MN: which models to use for each sample.
        name: the attack's name, for messages.

    Raises:
        ValueError: a sample has fewer than LEAST chosen models.
    """
    count_N = chosen_MN.sum(axis=0)
    if count_N.min(initial=len(chosen_MN)) < LEAST:
        few = int(count_N.min(initial=len(chosen_MN)))
        raise ValueError(
            f"{name} needs {LEAST} shadow models of each side for every sample, not {few}; "
            "raise the counts of 'shadows' in the experiment"
        )
    mean_N = np.where(chosen_MN, margins_MN, 0.0).sum(axis=0) / count_N
    squares_N = np.where(chosen_MN, (margins_MN - mean_N) ** 2, 0.0).sum(axis=0)
    return Gaussians(mean_N, *variance(squares_N, count_N))


def variance(squares_N: np.ndarray, count_N: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return unbiased variances [N] from sums of squared residuals, and whether all samples share one."""
    pooled = bool(count_N.min() < PER_SAMPLE)
    variance_N = squares_N / (count_N - 1)
    if pooled:
        variance_N = np.full(len(squares_N), squares_N.sum() / (count_N - 1).sum())
    return np.maximum(variance_N, FLOOR), pooled
