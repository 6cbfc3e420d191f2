"""How different two models' outputs are on the same samples: KL, Jensen–Shannon, ZRF. Natural logarithm.

    KL(p‖q) = Σ_k p_k (ln(p_k + ε) − ln(q_k + ε)),  ε = 1e-20       JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m),  m = (p + q) / 2

SFR-on's D_KL is the mean over forget of KL(p_retrain‖p_unlearned). ε bounds what one class adds where the other model
gives it probability 0: about 46 nats. JS lies in [0, ln 2].
"""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.classification import softmax

EPSILON = 1e-20


def kl(p_NK: np.ndarray, q_NK: np.ndarray) -> np.ndarray:
    """Return KL(p‖q) of each pair of distributions [N], in nats."""
    return (p_NK * (np.log(p_NK + EPSILON) - np.log(q_NK + EPSILON))).sum(axis=-1)


def js(p_NK: np.ndarray, q_NK: np.ndarray) -> np.ndarray:
    """Return the Jensen–Shannon divergence of each pair of distributions [N], in nats."""
    middle_NK = (p_NK + q_NK) / 2
    return (kl(p_NK, middle_NK) + kl(q_NK, middle_NK)) / 2


def divergences(reference_NK: np.ndarray, logits_NK: np.ndarray) -> dict[str, float]:
    """Return the means over samples of `kl`, KL(reference‖model), and `js`, from two sets of logits.

    Raises:
        ValueError: the two do not hold the same samples and classes.
    """
    if reference_NK.shape != logits_NK.shape:
        raise ValueError(
            f"outputs have the shapes {logits_NK.shape} and {reference_NK.shape}: not the same set; "
            "give both models' outputs on the same samples"
        )
    p_NK, q_NK = softmax(reference_NK), softmax(logits_NK)
    return {"kl": float(kl(p_NK, q_NK).mean()), "js": float(js(p_NK, q_NK).mean())}


def zrf(logits_NK: np.ndarray, incompetent_NK: np.ndarray) -> float:
    """Return 1 − mean JS(p_model, p_incompetent) / ln 2: 1 where the outputs equal those of an untrained network."""
    divergence_N = js(softmax(logits_NK), softmax(incompetent_NK))
    return 1.0 - float(divergence_N.mean()) / float(np.log(2))


def zrf_released(logits_NK: np.ndarray, incompetent_NK: np.ndarray) -> float:
    """Return ZRF as the released code computes it: 1 − mean [½ KL(m‖p) + ½ KL(m‖q)] / K.

    The arguments of both divergences are exchanged, and the mean runs over samples and classes, which gives the 1 / K.
    """
    p_NK, q_NK = softmax(logits_NK), softmax(incompetent_NK)
    middle_NK = (p_NK + q_NK) / 2
    swapped_N = (kl(middle_NK, p_NK) + kl(middle_NK, q_NK)) / 2
    return 1.0 - float(swapped_N.mean()) / logits_NK.shape[-1]
