"""KLoM: how the distributions of a sample's margin over unlearned and over retrained models differ.

    margin(x) = z_y − ln Σ_{k≠y} exp z_k          KLoM(x) = KL(P̂_unlearned(x)‖P̂_retrained(x))

P̂ are histograms over models, with the same bins for both, of equal width between the smallest and the largest margin
of a sample (outliers clipped to ±CLIP). Each share is raised by SMOOTHING, so that an empty bin does not make the
divergence infinite. After the data-unlearning benchmark of Georgiev et al. 2024. 0 is ideal, but even two pools of
retrained models have a value above 0, the higher the fewer models they have: `klom` of two halves of the retrained
pool gives this floor.
"""

from __future__ import annotations

import numpy as np

BINS = 20
CLIP = 100.0
SMOOTHING = 1e-5  # added to the share of models in each bin


def margins(logits_MNK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return the margins [M, N] of M models: the log-odds of the right class."""
    z_MNK = logits_MNK.astype(np.float64)
    labels_MN1 = np.broadcast_to(labels_N, z_MNK.shape[:2])[..., None]
    right_MN = np.take_along_axis(z_MNK, labels_MN1, axis=-1)[..., 0]
    others_MNK = np.where(np.arange(z_MNK.shape[-1]) == labels_N[:, None], -np.inf, z_MNK)
    return right_MN - np.logaddexp.reduce(others_MNK, axis=-1)


def klom(unlearned_MN: np.ndarray, retrained_RN: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return KLoM of each sample [N] in nats, from the margins of M unlearned and R retrained models.

    Raises:
        ValueError: the two do not hold the same samples, or a side has fewer than two models.
    """
    if unlearned_MN.shape[1:] != retrained_RN.shape[1:]:
        counts = f"{unlearned_MN.shape[1]} and {retrained_RN.shape[1]}"
        raise ValueError(f"margins of {counts} samples; give the same samples for both")
    if min(len(unlearned_MN), len(retrained_RN)) < 2:
        raise ValueError(
            "a distribution of margins takes two models on each side; give more (sixty are better)"
        )
    clipped = [np.clip(margins_MN, -CLIP, CLIP) for margins_MN in (unlearned_MN, retrained_RN)]
    both_AN = np.concatenate(clipped)
    low_N, width_N = both_AN.min(axis=0), np.ptp(both_AN, axis=0)
    p_NB, q_NB = (_histogram(margins_MN, low_N, width_N, bins) for margins_MN in clipped)
    return (p_NB * np.log(p_NB / q_NB)).sum(axis=-1)


def _histogram(values_MN: np.ndarray, low_N: np.ndarray, width_N: np.ndarray, bins: int) -> np.ndarray:
    """Return the shares [N, B] of the values in the bins of each sample; no share is 0."""
    models, samples = values_MN.shape
    scaled_MN = (values_MN - low_N) / np.where(width_N > 0, width_N, 1.0)
    places_MN = np.minimum((scaled_MN * bins).astype(np.int64), bins - 1)
    flat = np.bincount((places_MN + bins * np.arange(samples)).ravel(), minlength=samples * bins)
    shares_NB = flat.reshape(samples, bins) / models + SMOOTHING
    return shares_NB / shares_NB.sum(axis=1, keepdims=True)
