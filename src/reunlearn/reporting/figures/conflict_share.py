"""Share of conflicting gradients over the epochs, a panel per method (as in GDR-GMA, Figure 1)."""

from __future__ import annotations

from reunlearn.reporting.drawing.curves import draw_curves
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _conflicts
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="conflict_share",
    summary="share of conflicting gradients over the epochs, a panel per method",
    title="Conflicting gradients, by method",
    table="methods",
    order=52,
    log="conflicts",
    audit=False,
    points=True,
    wide=True,
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per row that logged conflicts."""
    panels = _conflicts.curves(data)
    if not panels:
        return _conflicts.NOTHING
    return Drawn(draw_curves(panels, "epoch", "conflicts (%)", **_conflicts.LIMITS), _conflicts.CAPTION)
