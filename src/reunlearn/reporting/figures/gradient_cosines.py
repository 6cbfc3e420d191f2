"""Cosine of one forget sample's gradients in adjacent epochs (as in GDR-GMA, Figure 4)."""

from __future__ import annotations

from reunlearn.reporting.drawing.curves import Curve, draw_curves, numbered
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.series import logged
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="gradient_cosines",
    summary="cosine of one forget sample's gradients in adjacent epochs",
    title="Gradients in adjacent epochs",
    table="methods",
    order=54,
    log="cosines",
    audit=False,
    points=True,
)
SERIES = ("cosine", "cosine_low", "cosine_high")
CAPTION = (
    "Mean over samples and seeds; the band holds the middle half of the samples, mean over seeds. An epoch is compared "
    "with the one before, the first with the original. A bank of the last epoch's gradients stands for this epoch's as "
    "far as the cosine is near 1."
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return a curve per row that logged cosines."""
    found = {row.heading: series for row, series in logged(data, SERIES).items()}
    if not found:
        return "No cosines of gradients: no finished run logged them (log: [cosines])."
    looks = numbered(list(found))
    curves = {
        name: Curve(*series["cosine"], looks[name], series["cosine_low"][1], series["cosine_high"][1])
        for name, series in found.items()
    }
    return Drawn(draw_curves({"": curves}, "epoch", "cosine"), CAPTION)
