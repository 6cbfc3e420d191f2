"""Errors after each step of forgetting in steps (PGU, Section 4.4: what its Table 3 lists, as curves)."""

from __future__ import annotations

import functools

from reunlearn.reporting.across import lines_of, mean_of
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import _over_experiments
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="incremental_curves",
    summary="errors on each set after each step of forgetting in steps",
    title="Forgetting in steps",
    table="ranks",
    scope="study",
    order=31,
    default=False,
    points=True,
    wide=True,
)
SETS = {
    "test": "test error",
    "retain": "retain error",
    "forget": "error on what this step forgot",
    "earlier": "error on what earlier steps forgot",
}
CAPTION = (
    "Mean over seeds after each step. Retrain is trained without all that was forgotten so far; each method "
    "goes on from its own model of the step before."
)


def draw(data: StudyData) -> Drawn | str:
    """Return one panel per set."""
    lines = lines_of(data.experiments, lambda e: e.experiment.scenario.step)
    numbers = {title: functools.partial(_error, name=name) for name, title in SETS.items()}
    panels = _over_experiments.panels_of(lines, numbers)
    if not panels:
        return "No curves over steps: no experiment forgets in steps, or nothing of it finished."
    return Drawn(_over_experiments.plot(panels, "step", "error (%)"), CAPTION)


def _error(data: ExperimentData, row: RowKey, name: str) -> float:
    return 100 - mean_of(data, row, f"accuracy_{name}")
