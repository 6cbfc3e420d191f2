"""ROC of one attack: the original, Retrain, the best methods; the others in grey (as in PGU, Figure 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import BEST, FAINT, FORGET, INK, SECOND, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from reunlearn.reporting.tables.methods import marks
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="roc",
    summary="true against false positive rate of one attack: the shadow attack, or the first that left a curve",
    title="ROC",
    table="attacks",
    order=20,
    points=True,
)
PREFERRED = "shadow_xgboost"
CAPTION = (
    "Mean true positive rate over seeds (n = {seeds}) at equal false positive rates; AUC: mean over these. The "
    "diagonal is an attack that learns nothing.{instead}"
)
INSTEAD = " The shadow attack has no scores here; this is the ROC of {attack}."


@dataclass(frozen=True)
class Curve:
    """The curve of one row: false and true positive rates [R], its AUC, and over how many seeds it is."""

    false: np.ndarray
    true: np.ndarray
    auc: float
    seeds: int


def draw(data: ExperimentData) -> Drawn | str:
    """Return the curves of the shadow attack, or of the first attack that left some."""
    if not data.attacks:
        return "No ROC: this experiment runs no attack."
    lines = data.tables["roc"]
    present = set(lines["attack"]) if len(lines) else set()
    attack = next((name for name in (PREFERRED, *data.attacks) if name in present), None)
    if attack is None:
        return "No ROC: no attack left scores."
    curves = curves_of(data, attack)
    seeds = sorted(curve.seeds for curve in curves.values())
    instead = "" if attack == PREFERRED else INSTEAD.format(attack=attack)
    caption = CAPTION.format(seeds=numbers.span(seeds[0], seeds[-1]), instead=instead)
    return Drawn(plot(curves, marks(data)), caption, f"ROC of {attack}")


def curves_of(data: ExperimentData, attack: str) -> dict[RowKey, Curve]:
    """Return of each row the mean of its runs' true positive rates at equal false positive rates."""
    lines = data.tables["roc"]
    curves = {}
    for row, part in rows.by_row(lines[lines["attack"] == attack]).items():
        rates = part.groupby("false_positive_rate")["true_positive_rate"]
        means = rates.mean()
        area = summarise(rows.values(data.finished[row], f"{attack}.auc")).mean
        curves[row] = Curve(means.index.to_numpy(), means.to_numpy(), area, int(rates.size().max()))
    return curves


def plot(curves: Mapping[RowKey, Curve], marks: Mapping[RowKey, str]) -> Figure:
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
