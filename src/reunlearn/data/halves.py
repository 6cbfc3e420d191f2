"""Which half of a set each of many models learns: every sample is in exactly half of every even number of models."""

from __future__ import annotations

import numpy as np

SEED = 20260801  # of every half: models of one number learn the same half in every study of one set


def half(size: int, number: int) -> np.ndarray:
    """Return a mask [size]: what model `number` (0, 1, …) learns.

    Models 2i and 2i + 1 learn a random half and its complement, whatever other models there are: so those that are
    there already stay what they are when more are asked for. Of an odd size the first of a pair learns one sample less.
    """
    chosen = np.random.default_rng([SEED, number // 2]).permutation(size) < size // 2
    return chosen if number % 2 == 0 else ~chosen
