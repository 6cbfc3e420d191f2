"""Avg. Gap against how much is forgotten, over the experiments of a study."""

from __future__ import annotations

from reunlearn.reporting.across import forget_share, lines_of
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _over_experiments
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.reporting.tables.methods import average_gaps
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="forget_size_curves",
    summary="Avg. Gap against how much is forgotten, over the experiments",
    title="Avg. Gap against the size of the forget set",
    table="ranks",
    scope="study",
    order=30,
    default=False,
    points=True,
    wide=True,
)
CAPTION = "Experiments that differ in the size of the forget set alone. Lower is nearer to Retrain."


def draw(data: StudyData) -> Drawn | str:
    """Return one panel per dataset, network, recipe and kind of scenario."""
    lines = lines_of([e for e in data.experiments if e.experiment.scenario.steps == 1], forget_share)
    panels = _over_experiments.panels_of(lines, {"": _gap})
    if not panels:
        return "No curves over the size of the forget set: no two experiments differ in it alone."
    return Drawn(_over_experiments.plot(panels, "forget set (% of the training set)", "Avg. Gap"), CAPTION)


def _gap(data: ExperimentData, row: RowKey) -> float:
    return float("nan") if row == RETRAIN else average_gaps(data)[row]
