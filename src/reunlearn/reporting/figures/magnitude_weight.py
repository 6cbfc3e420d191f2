"""λ of GDR-GMA against the deviation of the retain loss: the formula, for the settings that run (its Figure 7)."""

from __future__ import annotations

import numpy as np

from reunlearn.reporting.drawing.curves import Curve, draw_curves, numbered
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import MUTED, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.settings import settings_of
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="magnitude_weight",
    summary="λ of GDR-GMA against the deviation of the retain loss, for the settings that run",
    title="Weight λ against the deviation of the retain loss",
    table="methods",
    order=61,
    default=False,
    audit=False,
    points=True,
)
METHOD = "gdr_gma"
CAPTION = (
    "The formula λ = 1 / (1 + exp(γ (Δℓ − ε))), nothing measured. State I: retain keeps its loss, forgetting gets the "
    "weight; II: around ε λ changes fast; III: the retain loss has moved away, retaining gets the weight."
)
STATES = {"I": (0.0, 0.5), "II": (0.5, 1.5), "III": (1.5, 2.5)}  # as shares of ε


def draw(data: ExperimentData) -> Drawn | str:
    """Return a curve per γ and ε."""
    settings = {
        (float(values["gamma"] or 0), float(values["epsilon"] or 0))
        for row, values in settings_of(data).items()
        if row.method == METHOD and values.get("adapt", True) and {"gamma", "epsilon"} <= values.keys()
    }
    if not settings:
        return f"No curve of λ: {METHOD} is no row of this experiment."
    first = max(epsilon for _, epsilon in settings)
    x = np.linspace(0, 2.5 * first or 1.0, 201)
    names = {f"γ = {gamma:g}, ε = {epsilon:g}": (gamma, epsilon) for gamma, epsilon in sorted(settings)}
    looks = numbered(list(names))
    curves = {
        name: Curve(x, 1 / (1 + np.exp(np.clip(gamma * (x - epsilon), -500, 500))), looks[name])
        for name, (gamma, epsilon) in names.items()
    }
    figure = draw_curves({"": curves}, "deviation Δℓ of the retain loss", "λ", ylim=(-0.02, 1.12))
    if len(settings) == 1 and first:
        with house_style():
            for state, (begin, end) in STATES.items():
                figure.axes[0].axvline(begin * first, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)))
                figure.axes[0].text(
                    (begin + end) / 2 * first, 1.06, f"State {state}", ha="center", color=MUTED
                )
    return Drawn(figure, CAPTION)
