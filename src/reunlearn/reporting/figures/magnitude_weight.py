"""λ of GDR-GMA against the deviation of the retain loss: the formula, for the settings that run (its Figure 7)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

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
    "weight; II: within 1/γ of ε, λ changes fast; III: the retain loss has moved away, retaining gets the weight."
)


def draw(data: ExperimentData) -> Drawn | str:
    """Return a curve per γ and ε."""
    settings = {
        (float(values["gamma"] or 0), float(values["epsilon"] or 0))
        for row, values in settings_of(data).items()
        if row.method == METHOD and values.get("adapt", True) and {"gamma", "epsilon"} <= values.keys()
    }
    if not settings:
        return f"No curve of λ: {METHOD} is no row of this experiment."
    last = max(epsilon + 5 / gamma for gamma, epsilon in settings)
    x = np.linspace(0, last, 201)
    names = {f"γ = {gamma:g}, ε = {epsilon:g}": (gamma, epsilon) for gamma, epsilon in sorted(settings)}
    looks = numbered(list(names))
    curves = {
        name: Curve(x, 1 / (1 + np.exp(np.clip(gamma * (x - epsilon), -500, 500))), looks[name])
        for name, (gamma, epsilon) in names.items()
    }
    title = next(iter(names)) if len(names) == 1 else ""
    figure = draw_curves({title: curves}, "deviation Δℓ of the retain loss", "λ", ylim=(-0.02, 1.12))
    if len(settings) == 1:
        _name_states(figure, *settings.pop(), last)
    return Drawn(figure, CAPTION)


def _name_states(figure: Figure, gamma: float, epsilon: float, last: float) -> None:
    """Mark the states of one curve: II reaches 1/γ to both sides of ε, where λ is between 0.73 and 0.27."""
    (axes,) = figure.axes
    begin, end = max(0.0, epsilon - 1 / gamma), epsilon + 1 / gamma
    with house_style():
        for state, left, right in (("I", 0.0, begin), ("II", begin, end), ("III", end, last)):
            if right > left:
                axes.axvline(left, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)))
                axes.text((left + right) / 2, 1.06, f"State {state}", ha="center", color=MUTED)
