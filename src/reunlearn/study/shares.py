"""A printed run time as a share of the printed run time of Retrain: what two machines can be compared by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from reunlearn.study.papers import REFERENCE_ROWS, Paper
from reunlearn.study.reported import PrintedCell

RETRAIN = REFERENCE_ROWS[0]
SETTING = ("paper", "dataset", "model", "scenario", "fraction", "metric")


def printed_share(cell: PrintedCell, paper: Paper, printed: Iterable[PrintedCell]) -> tuple[str, str]:
    """Return a printed time in % of Retrain's, and its deviation, with the digits that rounding leaves certain.

    Both are empty where one of the two times is not printed; the deviation also where none is.

    Args:
        cell: the printed time.
        paper: whose words it is in.
        printed: all printed numbers, among them Retrain's time in the same setting, in whichever table.
    """
    whole = next((other for other in printed if _is_retrain(other, paper) and _same(other, cell)), None)
    if whole is None or not cell.mean or not whole.mean or float(whole.mean) <= 0:
        return "", ""
    share = 100 * float(cell.mean) / float(whole.mean)
    rounding = share * (
        _rounding(cell.mean) / (float(cell.mean) or 1) + _rounding(whole.mean) / float(whole.mean)
    )
    decimals = max(0, math.floor(-math.log10(2 * rounding)))
    return f"{share:.{decimals}f}", _deviation(share, decimals, cell, whole)


def _is_retrain(cell: PrintedCell, paper: Paper) -> bool:
    method = paper.methods.get(cell.method)
    return method is not None and RETRAIN in method.rows


def _same(one: PrintedCell, other: PrintedCell) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in SETTING)


def _deviation(share: float, decimals: int, cell: PrintedCell, whole: PrintedCell) -> str:
    """Return the deviation of a ratio of two times that do not depend on each other."""
    if not cell.std or not whole.std:
        return ""
    parts = (float(time.std) / float(time.mean) for time in (cell, whole))
    return f"{share * math.hypot(*parts):.{decimals}f}"


def _rounding(text: str) -> float:
    """Return half a unit of the last digit."""
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)  # printed numbers are finite: the file is checked
    return 0.5 * 10.0**exponent
