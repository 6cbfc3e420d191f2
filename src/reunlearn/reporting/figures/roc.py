"""ROC of one attack: the original, Retrain, the best methods; the others in grey (as in PGU, Figure 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from reunlearn.reporting.figures.style import BEST, FAINT, FORGET, INK, SECOND, house_style
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey


@dataclass(frozen=True)
class Curve:
    """The curve of one row: false and true positive rates [R], its AUC, and over how many seeds it is."""

    false: np.ndarray
    true: np.ndarray
    auc: float
    seeds: int


def draw(curves: Mapping[RowKey, Curve], marks: Mapping[RowKey, str]) -> Figure:
    """Return the curves; the noise floor's is left out.

    Args:
        curves: of each row.
        marks: {row: "best" or "second"}; these are drawn in colour.
    """
    with house_style():
        figure = Figure(figsize=(5.1, 5.0), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
        grey, rows_of = False, {}
        for row in sorted(curves, key=lambda key: _style(key, marks)["zorder"]):
            if row == FLOOR:
                continue
            curve, style = curves[row], _style(row, marks)
            named = style["color"] != FAINT
            label = f"{row.heading}, AUC {curve.auc:.2f}" if named else None if grey else "other methods"
            grey = grey or not named
            x, y = np.r_[0.0, curve.false], np.r_[0.0, curve.true]
            (line,) = axes.plot(x, y, label=label, **style)
            rows_of[line] = row.heading
        axes.set(xlim=(-0.01, 1), ylim=(0, 1.01), aspect="equal")
        axes.set_xlabel("false positive rate")
        axes.set_ylabel("true positive rate")
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles[::-1], labels[::-1], loc="outside lower center", ncols=2, handlelength=2.4, labelcolor=INK
        )
        for line, heading in rows_of.items():
            line.set_label(heading)  # for the file of numbers; the legend has its own texts
        return figure


def _style(row: RowKey, marks: Mapping[RowKey, str]) -> dict[str, Any]:
    """Return how the curve of a row is drawn: colour and pattern of dashes both tell it apart."""
    if row == ORIGINAL:
        return {"color": FORGET, "linewidth": 1.6, "linestyle": (0, (1, 1)), "zorder": 4}
    if row == RETRAIN:
        return {"color": INK, "linewidth": 1.6, "zorder": 5}
    if marks.get(row) == "best":
        return {"color": BEST, "linewidth": 1.8, "linestyle": (0, (5, 1)), "zorder": 7}
    if marks.get(row) == "second":
        return {"color": SECOND, "linewidth": 1.6, "linestyle": (0, (5, 1, 1, 1)), "zorder": 6}
    return {"color": FAINT, "linewidth": 0.8, "zorder": 3}
