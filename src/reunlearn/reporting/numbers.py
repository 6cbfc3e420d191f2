"""How numbers are written, the same in every table."""

from __future__ import annotations

import math

NOTHING = "—"
DIGITS = 4  # of a number whose unit does not fix its decimals
MOST_DECIMALS = 8


def known(value: float | None) -> bool:
    """Tell whether there is a number to show."""
    return value is not None and math.isfinite(value)


def plain(value: float | None, decimals: int = 1) -> str:
    """Write a number with fixed decimals; a dash where there is none, never −0."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:.{decimals}f}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−")


def decimals_of(size: float) -> int:
    """Return the decimals with which a number of this size has four digits; of an unknown size, three."""
    if not (math.isfinite(size) and size > 0):
        return DIGITS - 1
    return min(max(DIGITS - 1 - math.floor(math.log10(size)), 0), MOST_DECIMALS)


def with_deviation(mean: float, std: float, decimals: int = 1) -> str:
    """Write mean ± deviation; the mean alone where n = 1."""
    if not known(mean):
        return NOTHING
    return f"{plain(mean, decimals)} ± {plain(std, decimals)}" if known(std) else plain(mean, decimals)


def seconds(value: float | None) -> str:
    """Write a duration with its unit, three digits at most where it is short."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 120:
        return f"{value:#.3g} s" if value < 100 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def ratio(value: float) -> str:
    """Write a ratio with two digits that matter."""
    if not known(value):
        return NOTHING
    return f"{value:#.2g}" if value < 9.95 else f"{value:.0f}"


def interval(low: float, high: float, decimals: int = 2) -> str:
    """Write the ends of an interval."""
    return f"[{plain(low, decimals)}, {plain(high, decimals)}]" if known(low) and known(high) else ""


def span(low: int, high: int) -> str:
    """Write a whole number, or the least and the most where they differ."""
    return f"{low}" if low == high else f"{low} to {high}"
