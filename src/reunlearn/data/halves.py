"""A random half of a set for each of many models: model 2i + 1 learns the samples that model 2i does not."""

from __future__ import annotations

import numpy as np

SEED = 20260801  # of every half, so that in all studies a model with the same number learns the same half of a set


def half(size: int, number: int) -> np.ndarray:
    """Return a mask [size] of the samples that model `number` (0, 1, …) learns.

    The halves do not depend on the number of models, so that existing models stay valid when more are added. If the
    size is odd, model 2i learns one sample less than model 2i + 1.
    """
    chosen = np.random.default_rng([SEED, number // 2]).permutation(size) < size // 2
    return chosen if number % 2 == 0 else ~chosen
