"""Entropy of the outputs on forget and test samples (as in PGU, Figure 1: the logarithm of the entropy)."""

from __future__ import annotations

from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _histograms
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="entropy_histograms",
    summary="entropy of forget and test samples, before and after unlearning",
    title="Entropy, forget against test",
    table="accuracies",
    order=40,
    points=True,
    wide=True,
    legend=True,
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per row."""
    return _histograms.draw(data, "entropy", "entropy of a sample's output (nats)")
