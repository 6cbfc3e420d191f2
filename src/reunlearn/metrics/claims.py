"""Whether seeds bear a claim out: paired differences, each of which the claim says to be negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reunlearn.metrics.paired import compare, holm

HOLDS, FAILS, OPEN, UNKNOWN = "holds", "does not hold", "cannot be told", "not measured"
VERDICTS = (HOLDS, FAILS, OPEN, UNKNOWN)
LEVEL = 0.05


@dataclass(frozen=True)
class ClaimVerdict:
    """What seeds say of a claim.

    Attributes:
        kind: one of VERDICTS.
        comparisons: how many there are.
        supporting: in how many of them the mean difference has the claimed sign.
        worst: the place of the comparison that supports it least; None where there is none.
        difference: its mean, negative where it supports the claim.
        p: of its paired t test, corrected; NaN below two seeds.
        n: the fewest seeds of a comparison.
    """

    kind: str
    comparisons: int
    supporting: int
    worst: int | None
    difference: float
    p: float
    n: int


def judge(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> ClaimVerdict:
    """Return whether the first of each pair of series [S] lies below the second.

    It holds where every mean difference is negative and significant, does not where one is positive and significant;
    otherwise these seeds cannot tell. p values are two-sided, paired, corrected (Holm) over the comparisons.
    """
    found = [compare(first, second) for first, second in pairs]
    known = [pair for pair in found if pair.n]
    if not known or len(known) < len(found):
        return ClaimVerdict(UNKNOWN, len(found), 0, None, float("nan"), float("nan"), 0)
    p = holm([pair.p_t for pair in found])
    differences = np.array([pair.difference for pair in found])
    worst = int(differences.argmax())
    significant = np.nan_to_num(np.asarray(p, dtype=float), nan=1.0) < LEVEL
    if (differences < 0).all() and significant.all():
        kind = HOLDS
    elif ((differences > 0) & significant).any():
        kind = FAILS
    else:
        kind = OPEN
    return ClaimVerdict(
        kind,
        len(found),
        int((differences < 0).sum()),
        worst,
        float(differences[worst]),
        float(p[worst]),
        min(pair.n for pair in found),
    )
