"""Losses of forget and retain batches over the steps of each method (as in GDR-GMA, Figures 3 and 9)."""

from __future__ import annotations

from reunlearn.reporting.drawing.curves import DASHES, Curve, draw_curves
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import FORGET, TEST
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.series import logged
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="loss_curves",
    summary="losses of forget and retain batches over the steps of each method",
    title="Losses over the steps",
    table="methods",
    order=50,
    log="losses",
    audit=False,
    points=True,
    wide=True,
)
SERIES = {
    "forget_loss": ("forget", {"color": FORGET}),
    "retain_loss": ("retain", {"color": TEST}),
    "wrong_label_loss": ("forget, taught wrong labels", {"color": FORGET, "linestyle": DASHES[1]}),
}
CAPTION = (
    "Mean over seeds of each step's batch loss, before the step, as the method itself computes it: with its "
    "augmentation and its mode of BatchNorm. Long runs show means of neighbouring steps. Each panel has its own scales."
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per row that logged losses."""
    panels = {
        row.heading: {SERIES[name][0]: Curve(*points, SERIES[name][1]) for name, points in series.items()}
        for row, series in logged(data, tuple(SERIES)).items()
    }
    if not panels:
        return "No losses over the steps: no finished run logged them (log: [losses])."
    return Drawn(draw_curves(panels, "step", "loss (nats)"), CAPTION)
