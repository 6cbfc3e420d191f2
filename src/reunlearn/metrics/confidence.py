"""How sure a model is of a sample's label, as membership attacks measure it: numpy in, numpy out.

Modified entropy (Song and Mittal 2021, Eq. 5) is low only where the model is sure of the right class:

    −(1 − p_y) ln p_y − Σ_{k≠y} p_k ln(1 − p_k)
"""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.classification import softmax

SMALLEST = 1e-30  # a smaller probability is replaced by this before its logarithm is taken


def correctness(logits_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return 1.0 where the largest logit is the label's, else 0.0 [N]."""
    return (logits_NK.argmax(axis=-1) == labels_N).astype(np.float64)


def modified_entropy(logits_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return the modified entropy [N] in nats."""
    p_NK = softmax(logits_NK)
    right_NK = np.arange(p_NK.shape[-1]) == labels_N[:, None]
    # 1 − p rounds to 0 where p is nearly 1; the sum of the other probabilities does not
    p_sum_N1 = np.where(right_NK, 0.0, p_NK).sum(axis=-1, keepdims=True)
    weight_NK = np.where(right_NK, p_sum_N1, p_NK)
    logged_NK = np.where(right_NK, p_NK, 1.0 - p_NK)
    return -(weight_NK * np.log(np.maximum(logged_NK, SMALLEST))).sum(axis=-1)


def modified_entropy_released(logits_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return the modified entropy as SalUn's released code computes it [N], with two errors.

    In every row it weighs by 1 − p the columns of all labels that occur in the set, instead of only the column of the
    row's own label; and it takes ln p instead of ln(1 − p). So a value depends on the other samples of the set.
    """
    p_NK = softmax(logits_NK)
    somewhere_K = np.isin(np.arange(p_NK.shape[-1]), labels_N)
    weight_NK = np.where(somewhere_K, 1.0 - p_NK, p_NK)
    return -(weight_NK * np.log(np.maximum(p_NK, SMALLEST))).sum(axis=-1)
