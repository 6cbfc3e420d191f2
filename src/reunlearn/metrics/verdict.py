"""Whether a number of ours agrees with a printed one: one of four verdicts, with its reason.

    inside the paper's spread     |ours − printed| ≤ 2 · printed deviation
    inside ours                   |ours − printed| ≤ 2 · our deviation
    outside                       neither
    not comparable                one of the two is missing, or they do not measure the same thing

2 deviations hold about 95 % of single runs. Half a unit of the last printed digit is added: the printed number is
rounded. A deviation that is not known (one run, or none printed) spans nothing but the rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reunlearn.metrics.statistics import Summary

PAPER, OURS, OUTSIDE, NOT = "inside the paper's spread", "inside ours", "outside", "not comparable"
VERDICTS = (PAPER, OURS, OUTSIDE, NOT)
SPREAD = 2.0
ROUNDING = 0.005  # half a unit of the second decimal, in which the papers print


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one printed number, and why."""

    kind: str
    reason: str


def verdict(ours: Summary, reported: Summary, obstacle: str = "", rounding: float = ROUNDING) -> Verdict:
    """Compare our mean, deviation and n with a paper's.

    Args:
        ours: over our finished runs.
        reported: as printed; n is 0 where the paper does not say it.
        obstacle: why the two cannot be compared, where that is known beforehand.
        rounding: half a unit of the last printed digit.
    """
    if obstacle:
        return Verdict(NOT, obstacle)
    if not math.isfinite(reported.mean):
        return Verdict(NOT, "the paper prints no number")
    if not ours.n or not math.isfinite(ours.mean):
        return Verdict(NOT, "no run of ours finished")
    apart = abs(ours.mean - reported.mean)
    if apart <= _width(reported.std, rounding):
        return Verdict(PAPER, f"{apart:.2f} apart, printed deviation {_said(reported.std)}")
    if apart <= _width(ours.std, rounding):
        return Verdict(OURS, f"{apart:.2f} apart, our deviation {_said(ours.std)} over {ours.n} runs")
    deviations = f"printed deviation {_said(reported.std)}, ours {_said(ours.std)}"
    return Verdict(OUTSIDE, f"{apart:.2f} apart, {deviations} (n = {ours.n})")


def _width(std: float, rounding: float) -> float:
    return rounding + (SPREAD * std if math.isfinite(std) else 0.0) + 1e-9


def _said(std: float) -> str:
    return f"{std:.2f}" if math.isfinite(std) else "not known"
