"""Test accuracy against the number of samples with wrong labels (what PGU's Table 4 lists, as curves)."""

from __future__ import annotations

from reunlearn.reporting.across import lines_of, mean_of
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _over_experiments
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="poison_budget",
    summary="test accuracy against the number of samples with wrong labels",
    title="Test accuracy against the poison budget",
    table="ranks",
    scope="study",
    order=32,
    default=False,
    points=True,
)
CAPTION = (
    "Mean over seeds. The original was taught the wrong labels; Retrain is trained without these samples; a "
    "method that removes the poison reaches Retrain."
)


def draw(data: StudyData) -> Drawn | str:
    """Return one panel per dataset, network and recipe."""
    lines = lines_of(data.experiments, _budget)
    panels = _over_experiments.panels_of(lines, {"": _accuracy})
    if not panels:
        return "No curves over the poison budget: no two experiments differ in it alone."
    return Drawn(_over_experiments.plot(panels, "samples with wrong labels", "test accuracy (%)"), CAPTION)


def _budget(data: ExperimentData) -> float | None:
    sizes = data.sizes
    scenario = data.experiment.scenario
    return float(sizes.forget[0]) if scenario.POISONS and scenario.steps == 1 and sizes else None


def _accuracy(data: ExperimentData, row: RowKey) -> float:
    return mean_of(data, row, "accuracy_test")
