"""By what settings are chosen: stand-ins for Retrain that training and validation data give.

Four distances in points, 0 at best; their mean is the score. docs/decisions/0006-settings-without-retrain.md says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

WORST = 100.0  # of a model that diverged
DISTANCES = ("forget", "retain", "validation", "membership")


def distances(model: Mapping[str, float], original: Mapping[str, float]) -> dict[str, float]:
    """Return the distances of one unlearned model, by DISTANCES.

    forget: of its forget accuracy from that of unseen samples; from 0 where a class goes or wrong labels were taught.
    retain: how far its retain accuracy fell below the original's.
    validation: the same, of the classes that stay; below 100 where the original was taught wrong labels.
    membership: of the share of forget samples that a classifier of entropies calls members from that of unseen ones.

    Args:
        model: numbers of its probe, in per cent; nothing where an output is not finite.
        original: likewise of the original.
    """
    if not model:
        return dict.fromkeys(DISTANCES, WORST)
    wanted = {name: original.get(name, 0.0) for name in ("retain", "validation")}
    wanted["validation"] = model.get("wanted", wanted["validation"])
    lost = {name: max(0.0, before - model[name]) for name, before in wanted.items()}
    return {
        "forget": abs(model["forget"] - model["goal"]),
        **lost,
        "membership": abs(model["called_forget"] - model["called_unseen"]),
    }


def mean_of(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each distance over seeds."""
    return {name: float(np.mean([distance[name] for distance in seeds])) for name in DISTANCES}


def score(distance: Mapping[str, float]) -> float:
    """Return the mean of the distances."""
    return float(np.mean([distance[name] for name in DISTANCES]))
