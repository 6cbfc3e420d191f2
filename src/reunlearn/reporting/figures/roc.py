"""ROC of one attack: the original, Retrain, the best methods; the others in grey (as in PGU, Figure 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.metrics.separation import auc, roc
from reunlearn.reporting.figures.style import BEST, FAINT, FORGET, INK, SECOND, house_style
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from reunlearn.reporting.tables import pooled_scores


def draw(scores: Mapping[RowKey, pd.DataFrame], attack: str, marks: Mapping[RowKey, str]) -> Figure:
    """Return the curves, pooled over seeds.

    Args:
        scores: attack scores of each row, with the columns attack, member, score; the noise floor is left out.
        attack: which attack.
        marks: {row: "best" or "second"}; these are drawn in colour.
    """
    with house_style():
        figure = Figure(figsize=(5.1, 5.0), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
        grey, rows_of = False, {}
        for row in sorted(scores, key=lambda key: _style(key, marks)["zorder"]):
            member, other = pooled_scores(scores[row], attack)
            if row == FLOOR or not len(member) or not len(other):
                continue
            style = _style(row, marks)
            named = style["color"] != FAINT
            label = (
                f"{row.heading}, AUC {auc(member, other):.2f}" if named else None if grey else "other methods"
            )
            grey = grey or not named
            (line,) = axes.plot(*roc(member, other), label=label, **style)
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
