"""Weight of the forget term over the steps: λ of GDR-GMA (Eq. 6), α of ∇τ."""

from __future__ import annotations

from reunlearn.reporting.drawing.curves import Curve, draw_curves
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import TEST
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.series import logged
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="lambda_curve",
    summary="weight of the forget term over the steps",
    title="Weight of the forget term",
    table="methods",
    order=51,
    log="lambda",
    audit=False,
    points=True,
    wide=True,
)
CAPTION = "Mean over seeds. At 1 only the forget term moves the weights, at 0 only the retain term."


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per row that logged the weight."""
    panels = {
        row.heading: {"λ": Curve(*found["lambda"], {"color": TEST})}
        for row, found in logged(data, ("lambda",)).items()
    }
    if not panels:
        return "No weight of the forget term: no finished run logged it (log: [lambda])."
    return Drawn(draw_curves(panels, "step", "λ", ylim=(-0.02, 1.02)), CAPTION)
