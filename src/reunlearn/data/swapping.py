"""A world in which forget and held-out samples change places: which ones, and what the sets are then."""

from __future__ import annotations

import numpy as np

from reunlearn.base.errors import UserError

SEED = 20261101


def partners(forget_n: np.ndarray, held_out_V: np.ndarray) -> np.ndarray:
    """Return as many held-out samples as there are forget samples, sorted: those that take their place.

    They follow from the two sets alone, so that whoever knows these knows them.

    Args:
        forget_n: official training numbers.
        held_out_V: likewise, of validation samples out of the official training set.

    Raises:
        UserError: fewer samples are held out than are forgotten.
    """
    if len(held_out_V) < len(forget_n):
        raise UserError(
            f"{len(forget_n)} samples are forgotten and {len(held_out_V)} are held out of the training set: they "
            "cannot change places; give 'dataset' a larger 'validation'"
        )
    generator = np.random.default_rng([SEED, *np.sort(forget_n).tolist()])
    return np.sort(generator.permutation(np.sort(held_out_V))[: len(forget_n)])


def exchanged(members: np.ndarray, out: np.ndarray, into: np.ndarray) -> np.ndarray:
    """Return a set of numbers, sorted, with `into` in the place of `out`."""
    return np.union1d(np.setdiff1d(members, out), into)
