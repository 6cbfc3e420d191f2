"""A panel per line of experiments, a curve per row: what figures over a whole study share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from reunlearn.reporting.across import Line
from reunlearn.reporting.drawing.curves import REFERENCE, Curve, draw_curves, look
from reunlearn.reporting.drawing.style import FORGET, MUTED
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey

REFERENCES = {
    RETRAIN: REFERENCE,
    ORIGINAL: {**REFERENCE, "color": FORGET, "linestyle": (0, (1, 1))},
    FLOOR: {**REFERENCE, "color": MUTED},
}
Number = Callable[[ExperimentData, RowKey], float]


def panels_of(lines: Sequence[Line], numbers: Mapping[str, Number]) -> dict[str, dict[str, Curve]]:
    """Return the curves of each panel.

    Args:
        lines: of experiments.
        numbers: what is drawn, by its title; "" where there is one only.
    """
    methods = dict.fromkeys(row for line in lines for row in line.rows if not row.is_reference)
    looks = {**REFERENCES, **{row: look(number) for number, row in enumerate(methods)}}
    panels: dict[str, dict[str, Curve]] = {}
    for line in lines:
        x = np.array(list(line.experiments))
        for title, number in numbers.items():
            values = {row: line.values(row, number) for row in line.rows}
            known = {row: int(np.isfinite(y).sum()) for row, y in values.items()}
            fewest = min(
                2, max(known.values(), default=0)
            )  # a row at one place only is no curve among curves
            curves = {
                row.heading: Curve(x, values[row], looks[row])
                for row, count in known.items()
                if count >= max(1, fewest)
            }
            if curves:
                heading = ": ".join(filter(None, [line.title if len(lines) > 1 or not title else "", title]))
                panels[heading] = curves
    return panels


def plot(panels: dict[str, dict[str, Curve]], x: str, y: str) -> Figure:
    """Return the panels; each has ticks where its experiments are."""
    figure = draw_curves(panels, x, y)
    for axes, curves in zip(figure.axes, panels.values(), strict=False):
        places = np.unique(np.concatenate([curve.x for curve in curves.values()]))
        axes.set_xticks(places, [f"{place:.3g}" if place < 1000 else f"{place:,.0f}" for place in places])
    return figure
