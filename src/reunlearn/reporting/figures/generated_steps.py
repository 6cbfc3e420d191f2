"""FA and distance of samples against the steps or epochs of a method: how much forgetting costs what stays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reunlearn.reporting.drawing.curves import REFERENCE, Curve, Curves, draw_curves, look
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Numbers
from reunlearn.reporting.rows import ORIGINAL, RowKey
from reunlearn.reporting.settings import Sweep, sweeps_of
from reunlearn.reporting.tables._measured import means
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="generated_steps",
    summary="FA and clf_fd against the steps or epochs of each method of which the experiment has several values",
    title="Forgetting and distance against steps",
    table="generated",
    order=7,
    samples=True,
    audit=False,
    points=True,
    wide=True,
)
SETTINGS = ("steps", "epochs")
FORGOTTEN, DISTANCE, FLOOR = "generated_forget", "clf_fd", "clf_fd_floor"
CAPTION = (
    "Means over seeds; 0 is the original. Left: samples of the forgotten class that the classifier takes for it (%). "
    "Right: distance of the classes that stay to real images, with its floor."
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return two panels for steps and two for epochs, with a curve per method; nothing where no method has several."""
    sweeps = [sweep for sweep in sweeps_of(data) if sweep.setting in SETTINGS]
    if not sweeps or FORGOTTEN not in data.measured:
        return ""
    found = means(data, [FORGOTTEN, DISTANCE, FLOOR])
    panels: dict[str, Curves] = {}
    for setting in dict.fromkeys(sweep.setting for sweep in sweeps):
        of = [sweep for sweep in sweeps if sweep.setting == setting]
        panels[f"FA (%) over {setting}"] = _curves(of, found, FORGOTTEN)
        panels[f"clf_fd over {setting}"] = {**_curves(of, found, DISTANCE), **_floor(of, found)}
    return Drawn(draw_curves(panels, "", "", ylim=(0, None)), CAPTION)


def _curves(sweeps: list[Sweep], found: Mapping[RowKey, Numbers], metric: str) -> dict[str, Curve]:
    """Return a curve per method; it begins with the original, which took no step."""
    curves = {}
    for number, sweep in enumerate(sweeps):
        rows = {0.0: ORIGINAL, **sweep.rows}
        known = {
            x: found[row][metric].mean for x, row in rows.items() if row in found and found[row][metric].known
        }
        x_N = np.array(sorted(known))
        curves[sweep.method] = Curve(x_N, np.array([known[x] for x in x_N]), look(number))
    return curves


def _floor(sweeps: list[Sweep], found: Mapping[RowKey, Numbers]) -> dict[str, Curve]:
    """Return the floor as a line; nothing where it was not measured."""
    floors = [numbers[FLOOR].mean for numbers in found.values() if numbers[FLOOR].known]
    if not floors:
        return {}
    ends = np.array([0.0, max(max(sweep.rows) for sweep in sweeps)])
    return {"floor": Curve(ends, np.full(2, np.mean(floors)), REFERENCE)}
