"""Whether our number agrees with a printed one: one of five verdicts, with its reason.

    inside the paper's spread       |ours − printed| ≤ h + 2 · (printed deviation + h')
    equal to the printed digits     |ours − printed| ≤ h, where the paper prints no deviation
    inside ours                     |ours − printed| ≤ h + 2 · our deviation; or our interval, widened by h, holds it
    outside                         none of these
    not comparable                  one of the two is missing, or they do not measure the same thing

About 95 % of single runs lie within 2 deviations. h and h' are half a unit of the last printed digit, of the number and
of its deviation: 0.005 for 94.00, 0.05 for 94.0, 0.00005 for 0.5060. A printed deviation of 0.00 may be up to 0.005.
An interval takes the place of our deviation for numbers that only all runs together have, such as an average gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from reunlearn.metrics.statistics import Interval, Summary

PAPER, EQUAL = "inside the paper's spread", "equal to the printed digits"
OURS, OUTSIDE = "inside ours", "outside"
NOT_COMPARABLE = "not comparable"
VERDICTS = (PAPER, EQUAL, OURS, OUTSIDE, NOT_COMPARABLE)
SPREAD = 2.0
SLACK = 1e-9  # for numbers that are equal but for their last bits
DECIMALS = 2  # with which distances are written at least


@dataclass(frozen=True)
class Printed:
    """A number and its deviation as they are printed; empty where there is none."""

    mean: str
    std: str = ""

    @property
    def value(self) -> float:
        """The number; NaN where none is printed."""
        return float(self.mean or "nan")

    @property
    def deviation(self) -> float:
        """Its deviation; NaN where none is printed."""
        return float(self.std or "nan")

    @property
    def decimals(self) -> int:
        """With how many decimals the number is printed."""
        return max(-_exponent(self.mean), 0) if self.mean else 0


@dataclass(frozen=True)
class Verdict:
    """One of VERDICTS on a printed number, and why."""

    kind: str
    reason: str


def half_unit(text: str) -> float:
    """Return half a unit of the last digit of a printed number."""
    return 0.5 * 10.0 ** _exponent(text)


def _exponent(text: str) -> int:
    """Return the power of ten that the last digit of a number stands for."""
    exponent = Decimal(text).as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{text!r} has no last digit; give a finite number")
    return exponent


def verdict(ours: Summary, printed: Printed, obstacle: str = "", interval: Interval | None = None) -> Verdict:
    """Compare our mean, deviation and n with a paper's.

    Args:
        ours: over our finished runs.
        printed: the paper's number.
        obstacle: why the two cannot be compared, where this is known beforehand.
        interval: of our number, where it has one instead of a deviation.
    """
    if obstacle:
        return Verdict(NOT_COMPARABLE, obstacle)
    if not printed.mean:
        return Verdict(NOT_COMPARABLE, "the paper prints no number")
    if not ours.n or not math.isfinite(ours.mean):
        return Verdict(NOT_COMPARABLE, "no run of ours finished")
    distance, rounding = abs(ours.mean - printed.value), half_unit(printed.mean)
    decimals = max(printed.decimals, DECIMALS)
    apart = f"{distance:.{decimals}f} apart"
    theirs = f"printed deviation {printed.std or 'not known'}"
    if printed.std and distance <= rounding + SPREAD * (printed.deviation + half_unit(printed.std)) + SLACK:
        return Verdict(PAPER, f"{apart}, {theirs}")
    if not printed.std and distance <= rounding + SLACK:
        return Verdict(EQUAL, f"{apart}, printed with {printed.decimals} decimals and without deviation")
    inside = _in_ours(ours, printed.value, rounding + SLACK, interval)
    own = f"{_own(ours, interval, decimals)} over {ours.n} runs"
    return Verdict(OURS, f"{apart}, {own}") if inside else Verdict(OUTSIDE, f"{apart}, {theirs}, {own}")


def _in_ours(ours: Summary, value: float, rounding: float, interval: Interval | None) -> bool:
    """Tell whether a printed value lies in our interval or in two of our deviations; not where neither is known."""
    if interval is not None:
        return interval.low - rounding <= value <= interval.high + rounding
    return abs(ours.mean - value) <= rounding + SPREAD * ours.std


def _own(ours: Summary, interval: Interval | None, decimals: int) -> str:
    if interval is None:
        known = math.isfinite(ours.std)
        return f"our deviation {f'{ours.std:.{decimals}f}' if known else 'not known'}"
    if not math.isfinite(interval.low):
        return "our interval not known"
    return f"our interval {interval.low:.{decimals}f} to {interval.high:.{decimals}f}"
