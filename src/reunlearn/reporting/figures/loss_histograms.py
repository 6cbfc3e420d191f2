"""Loss of forget and test samples, before and after unlearning (as in ∇τ, Figure 1)."""

from __future__ import annotations

from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _histograms
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="loss_histograms",
    summary="loss of forget and test samples, before and after unlearning",
    title="Loss, forget against test",
    table="accuracies",
    order=30,
    points=True,
    wide=True,
    legend=True,
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per row."""
    return _histograms.draw(data, "loss", "cross-entropy loss of a sample")
