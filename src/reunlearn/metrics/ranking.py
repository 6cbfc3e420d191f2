"""How well a score tells members from others: area under the ROC curve, true positives at few false ones."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

FALSE_POSITIVE_RATE = 0.01


def auc(member_scores: np.ndarray, other_scores: np.ndarray) -> float:
    """Return P(member > other) + ½ P(member = other) over all pairs; 0.5 is chance (Mann and Whitney)."""
    members, others = len(member_scores), len(other_scores)
    if not members or not others:
        return float("nan")
    ranks = rankdata(np.concatenate([member_scores, other_scores]))
    return float((ranks[:members].sum() - members * (members + 1) / 2) / (members * others))


def tpr_at_fpr(
    member_scores: np.ndarray, other_scores: np.ndarray, fpr: float = FALSE_POSITIVE_RATE
) -> float:
    """Return the share of members above the lowest threshold that passes at most `fpr` of the others."""
    if not len(member_scores) or not len(other_scores):
        return float("nan")
    allowed = int(np.floor(fpr * len(other_scores)))
    threshold = np.sort(other_scores)[::-1][allowed] if allowed < len(other_scores) else -np.inf
    return float((member_scores > threshold).mean())


def ranking(member_scores: np.ndarray, other_scores: np.ndarray) -> dict[str, float]:
    """Return the details that every attack with scores reports."""
    return {"auc": auc(member_scores, other_scores), "tpr_at_fpr_1": tpr_at_fpr(member_scores, other_scores)}
