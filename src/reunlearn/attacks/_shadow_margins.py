"""Margins ln p_y/(1 − p_y) of the evaluated model and of a pool of shadow models.

On this scale the outputs of different models are close to Gaussian (Carlini et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reunlearn.attacks.registry import ShadowPools
from reunlearn.metrics.margins import margins
from reunlearn.metrics.outputs import Outputs


@dataclass(frozen=True)
class Margins:
    """Margins of N samples.

    Attributes:
        target: of the evaluated model [N].
        shadow: of M shadow models [M, N].
        trained: whether each shadow model was trained with each sample [M, N].
    """

    target: np.ndarray
    shadow: np.ndarray
    trained: np.ndarray


def answers(
    shadows: ShadowPools | None, kind: str, index_N: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return logits [M, N, K] and membership [M, N] of a pool's models on these samples.

    Raises:
        ValueError: the pool was not made, or a sample is not in it.
    """
    if shadows is None or kind not in shadows.pools:
        raise ValueError(f"{name} needs the pool '{kind}' of shadow models; add 'shadows' to the experiment")
    return shadows.pools[kind].of(index_N)


def of_models(logits_MNK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return margins [M, N], computed model by model: a whole pool in double precision would take gigabytes."""
    return np.concatenate([margins(logits_NK[None], labels_N) for logits_NK in logits_MNK])


def of_halves(outputs: Outputs, shadows: ShadowPools | None, name: str) -> tuple[Margins, int]:
    """Return the margins of forget samples, then validation samples of forget's classes, and the number of the former.

    For each sample the pool 'halves' has models that were trained with it and models that were not.
    """
    comparable = outputs.comparable("validation")
    logits_NK, labels_N, index_N = (
        np.concatenate([arrays["forget"], arrays["validation"][comparable]])
        for arrays in (outputs.logits, outputs.labels, outputs.index)
    )
    logits_MNK, trained_MN = answers(shadows, "halves", index_N, name)
    target_N = of_models(logits_NK[None], labels_N)[0]
    return Margins(target_N, of_models(logits_MNK, labels_N), trained_MN), len(outputs.labels["forget"])
