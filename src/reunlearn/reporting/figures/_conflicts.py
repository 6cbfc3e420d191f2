"""Shares of forget samples whose gradients conflict, of three pairs: what two figures share."""

from __future__ import annotations

from reunlearn.reporting.drawing.curves import Curve
from reunlearn.reporting.drawing.style import BEST, FORGET, TEST
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.series import logged

PAIRS = {  # series, by the pair's name and its colour
    "conflict_forget_retain": ("forget – retain", TEST),
    "conflict_retain_others": ("retain – other forget samples", FORGET),
    "conflict_forget_others": ("forget – other forget samples", BEST),
}
NOTHING = "No conflicts of gradients: no finished run logged them (log: [conflicts])."
CAPTION = (
    "Per cent of the pairs of gradients whose cosine is below 0, mean over seeds. Forget: ascent, retain: "
    "descent, as the method moves along them: after rectification, where it rectifies. Others: single forget "
    "samples that are not in the step's batch."
)
LIMITS = {"ylim": (-3, 103)}


def curves(data: ExperimentData) -> dict[str, dict[str, Curve]]:
    """Return of each row the curve of each pair that it logged."""
    return {
        row.heading: {
            PAIRS[name][0]: Curve(*points, {"color": PAIRS[name][1], "marker": "o"})
            for name, points in series.items()
        }
        for row, series in logged(data, tuple(PAIRS)).items()
    }
