"""Numbers over time in a bounded number of points: a report of 100,000 steps is as small as one of 1,000."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

MOST = 400  # points of a series


def thinned(steps_N: np.ndarray, values_N: np.ndarray, most: int = MOST) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `most` points: each is the mean of a stretch of neighbours, at the step where it ends.

    All stretches but the last have one length. A series that is short enough stays as it is.

    Args:
        steps_N: ascending.
        values_N: the numbers.
        most: points that are wanted.
    """
    width = max(1, -(-len(steps_N) // most))
    begins = np.arange(0, len(steps_N), width)
    ends = np.minimum(begins + width, len(steps_N))
    means = np.add.reduceat(values_N.astype(float), begins) / (ends - begins) if len(begins) else values_N
    return steps_N[ends - 1], means.astype(np.float32)


def table_of(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the columns series, step, value of what a run logged: NAME.step [N] and NAME.value [N] of each series."""
    names = [key.removesuffix(".step") for key in arrays if key.endswith(".step")]
    parts = {name: thinned(arrays[f"{name}.step"], arrays[f"{name}.value"]) for name in names}
    nothing = (np.empty(0, np.int32), np.empty(0, np.float32))
    steps, values = (np.concatenate(columns) for columns in zip(nothing, *parts.values(), strict=True))
    lengths = [len(steps_N) for steps_N, _ in parts.values()]
    return {"series": np.repeat(np.array(names, dtype=str), lengths), "step": steps, "value": values}
