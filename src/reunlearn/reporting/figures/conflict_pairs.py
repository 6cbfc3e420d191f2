"""Share of conflicting gradients over the epochs, a panel per pair of gradients (as in GDR-GMA, Figure 8)."""

from __future__ import annotations

import dataclasses

from reunlearn.reporting.drawing.curves import draw_curves, numbered
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _conflicts
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="conflict_pairs",
    summary="share of conflicting gradients over the epochs, a panel per pair of gradients",
    title="Conflicting gradients, by pair",
    table="methods",
    order=53,
    log="conflicts",
    audit=False,
    points=True,
    wide=True,
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per pair, with a curve per row."""
    by_row = _conflicts.curves(data)
    if not by_row:
        return _conflicts.NOTHING
    looks = numbered(list(by_row))
    panels = {
        pair: {
            name: dataclasses.replace(curves[pair], look=looks[name])
            for name, curves in by_row.items()
            if pair in curves
        }
        for pair, _ in _conflicts.PAIRS.values()
    }
    figure = draw_curves(panels, "epoch", "conflicts (%)", **_conflicts.LIMITS)
    return Drawn(figure, _conflicts.CAPTION)
