"""The figures of one experiment, with what is written beside them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.reporting import lines
from reunlearn.reporting.figures import entropy_histograms, gap_time, loss_histograms, roc, style

PREFERRED_ROC = "shadow_xgboost"
_HISTOGRAM = (
    "All seeds together, original before and every method after. Where unlearning succeeds, the two "
    "shapes stand to "
    "each other as they do for Retrain. AUC: the chance that a forget sample has the lower {what} of the "
    "two; "
    "0.5 tells nothing. Each panel has its own vertical scale."
)


@dataclass(frozen=True)
class Drawing:
    """One figure: its files' name, its texts, and the drawing as page element, SVG file and PDF file."""

    name: str
    title: str
    caption: str
    element: str
    svg: str
    pdf: bytes
    wide: bool
    legend: bool = False  # of forget and test


def draw_all(
    experiment: str, table: pd.DataFrame, samples: pd.DataFrame, scores: pd.DataFrame, attacks: list[str]
) -> tuple[list[Drawing], list[str]]:
    """Return the figures, and a sentence for each that cannot be drawn.

    Args:
        experiment: its name.
        table: its table of methods.
        samples, scores: of the whole study, finished runs only, with the column `line`.
        attacks: those that the study lists, in its order.
    """
    drawings, absent = [], []
    costed = table[~table.index.isin(lines.REFERENCES)].dropna(subset=["seconds", "avg_gap"])
    if len(costed):
        drawings.append(_gap_time(experiment, table))
    else:
        absent.append("No Avg. Gap against run time: no method has both.")
    attack = _roc_attack(scores, attacks)
    if attack:
        drawings.append(_roc(experiment, attack, table, scores))
    if attack != PREFERRED_ROC:
        why = (
            f"the ROC is that of {attack}"
            if attack
            else "and no other attack left scores, so there is no ROC"
        )
        absent.append(f"The shadow attack has no scores here; {why}.")
    order = [
        line
        for line in table.index
        if line != lines.FLOOR and len(samples) and (samples["line"] == line).any()
    ]
    order = [line for first in (lines.ORIGINAL, lines.RETRAIN) for line in order if line == first] + [
        line for line in order if line not in lines.REFERENCES
    ]
    if order:
        loss = loss_histograms.draw(samples, order)
        drawings.append(
            drawing(
                experiment, "loss", "Loss, forget against test", _HISTOGRAM.format(what="loss"), loss, True
            )
        )
        entropy = entropy_histograms.draw(samples, order)
        text = _HISTOGRAM.format(what="entropy")
        drawings.append(drawing(experiment, "entropy", "Entropy, forget against test", text, entropy, True))
    else:
        absent.append("No histograms: no run left outputs.")
    return drawings, absent


def _gap_time(experiment: str, table: pd.DataFrame) -> Drawing:
    caption = (
        "Lower left is better: near Retrain, at little cost. Retrain stands at gap 0. Dashed: the original, "
        "with nothing unlearned, and the noise floor."
    )
    return drawing(experiment, "gap-time", "Avg. Gap against run time", caption, gap_time.draw(table), False)


def _roc(experiment: str, attack: str, table: pd.DataFrame, scores: pd.DataFrame) -> Drawing:
    figure = roc.draw(scores, attack, list(table.index), table["mark"].to_dict())
    caption = "Scores of all seeds together. The diagonal is an attack that learns nothing."
    return drawing(experiment, "roc", f"ROC of {attack}", caption, figure, False)


def drawing(
    experiment: str,
    kind: str,
    title: str,
    caption: str,
    figure: Figure,
    wide: bool,
    legend: bool | None = None,
) -> Drawing:
    """Return a figure as it is shown and as files; wide ones have a legend of forget and test unless told not."""
    svg = style.to_svg(figure)
    figure.set_layout_engine("none")  # the layout is settled; finding it again takes longer than drawing
    element = style.inline(svg, f"{experiment}-{kind}".replace(".", "_"), f"{title}. {caption}")
    name = f"{experiment}-{kind}"
    return Drawing(
        name,
        title,
        caption,
        element,
        svg,
        style.to_pdf(figure),
        wide,
        legend=wide if legend is None else legend,
    )


def _roc_attack(scores: pd.DataFrame, attacks: list[str]) -> str | None:
    """Return the attack whose ROC is drawn: the shadow attack, or the first that left scores."""
    present = set(scores["attack"]) if len(scores) else set()
    if PREFERRED_ROC in present:
        return PREFERRED_ROC
    return next((a for a in attacks if a in present), None)
