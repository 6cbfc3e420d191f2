"""Whether our number agrees with a printed one: one of four verdicts, with its reason.

    inside the paper's spread     |ours − printed| ≤ 2 · printed deviation
    inside ours                   |ours − printed| ≤ 2 · our deviation
    outside                       neither
    not comparable                one of the two is missing, or they do not measure the same thing

About 95 % of single runs lie within 2 deviations. Half a unit of the last printed digit is added, because the printed
number is rounded. An unknown deviation (one run, or none printed) counts as 0: only the rounding is allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reunlearn.metrics.statistics import Summary

PAPER, OURS, OUTSIDE = "inside the paper's spread", "inside ours", "outside"
NOT_COMPARABLE = "not comparable"
VERDICTS = (PAPER, OURS, OUTSIDE, NOT_COMPARABLE)
SPREAD = 2.0
ROUNDING = 0.005  # half a unit of the second decimal, in which the papers print


@dataclass(frozen=True)
class Verdict:
    """One of VERDICTS on a printed number, and why."""

    kind: str
    reason: str


def verdict(ours: Summary, reported: Summary, obstacle: str = "", rounding: float = ROUNDING) -> Verdict:
    """Compare our mean, deviation and n with a paper's.

    Args:
        ours: over our finished runs.
        reported: as printed; n is 0 where the paper does not give it.
        obstacle: why the two cannot be compared, where this is known beforehand.
        rounding: half a unit of the last printed digit.
    """
    if obstacle:
        return Verdict(NOT_COMPARABLE, obstacle)
    if not math.isfinite(reported.mean):
        return Verdict(NOT_COMPARABLE, "the paper prints no number")
    if not ours.n or not math.isfinite(ours.mean):
        return Verdict(NOT_COMPARABLE, "no run of ours finished")
    distance = abs(ours.mean - reported.mean)
    if distance <= _allowed(reported.std, rounding):
        return Verdict(PAPER, f"{distance:.2f} apart, printed deviation {_formatted(reported.std)}")
    if distance <= _allowed(ours.std, rounding):
        return Verdict(OURS, f"{distance:.2f} apart, our deviation {_formatted(ours.std)} over {ours.n} runs")
    deviations = f"printed deviation {_formatted(reported.std)}, ours {_formatted(ours.std)}"
    return Verdict(OUTSIDE, f"{distance:.2f} apart, {deviations} (n = {ours.n})")


def _allowed(std: float, rounding: float) -> float:
    return rounding + (SPREAD * std if math.isfinite(std) else 0.0) + 1e-9


def _formatted(std: float) -> str:
    return f"{std:.2f}" if math.isfinite(std) else "not known"
