"""The figures of one experiment, with what is written beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reunlearn.metrics.histograms import BINS
from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.figures import entropy_histograms, gap_time, loss_histograms, roc, style
from reunlearn.reporting.figures.drawn import numbers_of
from reunlearn.reporting.figures.panels import Panel
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey

PREFERRED_ROC = "shadow_xgboost"
SAMPLED_BY = "evaluation"  # the measure that leaves loss and entropy of each sample
HISTOGRAMS = {
    "loss": ("Loss, forget against test", loss_histograms),
    "entropy": ("Entropy, forget against test", entropy_histograms),
}
_HISTOGRAM = (
    "All seeds together: the original before unlearning, Retrain, and every method after it. Where unlearning "
    "succeeds, the two shapes differ as they do for Retrain. AUC: the chance that a forget sample has the lower "
    "{what} of the two, mean over seeds; at 0.5 the two cannot be told apart. Each panel has its own vertical scale."
)
_ROC = (
    "Mean true positive rate over seeds (n = {seeds}) at equal false positive rates; AUC: mean over these. The "
    "diagonal is an attack that learns nothing."
)


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
        name: of its files.
        title, caption: its texts.
        table: the name of the table that it is drawn from, or that says most about what it shows.
        svg, pdf: its files.
        numbers: what it draws where this is no table of the page; it becomes a CSV file beside the figure.
        wide: it takes the whole width.
        legend: of forget and test.
    """

    name: str
    title: str
    caption: str
    table: str
    svg: str
    pdf: bytes
    numbers: pd.DataFrame | None = None
    wide: bool = False
    legend: bool = False

    @property
    def csv(self) -> str:
        """The file of the numbers that it draws, relative to the page."""
        return f"tables/{self.table}.csv" if self.numbers is None else f"figures/{self.name}.csv"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return style.size_of(self.svg)

    @property
    def element(self) -> str:
        """The figure as an element of a page of a single file."""
        return style.inline(self.svg, self.name.replace(".", "_"), self.title)


def draw_all(data: ExperimentData, table: pd.DataFrame) -> tuple[list[Drawing], list[str]]:
    """Return the figures, and a sentence for each that cannot be drawn.

    Args:
        data: of the experiment.
        table: its table of methods.
    """
    parts = (_gap_time(data, table), _roc(data, table), _histograms(data))
    drawings = [figure for figures, _ in parts for figure in figures]
    return drawings, [sentence for _, sentences in parts for sentence in sentences]


def _gap_time(data: ExperimentData, table: pd.DataFrame) -> tuple[list[Drawing], list[str]]:
    both = table.dropna(subset=["seconds", "avg_gap"])
    if not rows.methods_of(both):
        return [], ["No Avg. Gap against run time: no method has both."]
    caption = (
        "Lower left is better: near Retrain, at little cost. Retrain stands at gap 0. Dashed: the original, "
        "with nothing unlearned, and the noise floor."
    )
    figure = gap_time.draw(table, data.headline.unit.long)
    title, of = "Avg. Gap against run time", f"{data.name}-methods"
    return [drawing(f"{data.name}-gap-time", figure, title=title, caption=caption, table=of)], []


def _roc(data: ExperimentData, table: pd.DataFrame) -> tuple[list[Drawing], list[str]]:
    """Draw the ROC of the shadow attack, or of the first attack that left a curve."""
    if not data.attacks:
        return [], ["No ROC: this experiment runs no attack."]
    present = set(data.roc["attack"]) if len(data.roc) else set()
    attack = next((name for name in (PREFERRED_ROC, *data.attacks) if name in present), None)
    if attack is None:
        return [], ["No ROC: no attack left scores."]
    marks = {row: mark for row, mark in zip(rows.keys_of(table), table["mark"], strict=True) if mark}
    curves = curves_of(data, attack)
    seeds = sorted(curve.seeds for curve in curves.values())
    figure = roc.draw(curves, marks)
    drawings = [
        drawing(
            f"{data.name}-roc",
            figure,
            title=f"ROC of {attack}",
            caption=_ROC.format(seeds=numbers.span(seeds[0], seeds[-1])),
            table=f"{data.name}-attacks",
            numbers=numbers_of(figure),
        )
    ]
    if attack == PREFERRED_ROC:
        return drawings, []
    return drawings, [f"The shadow attack has no scores here; the ROC is that of {attack}."]


def curves_of(data: ExperimentData, attack: str) -> dict[RowKey, roc.Curve]:
    """Return of each row the mean of its runs' true positive rates at equal false positive rates."""
    curves = {}
    for row, part in rows.by_row(data.roc[data.roc["attack"] == attack]).items():
        rates = part.groupby("false_positive_rate")["true_positive_rate"]
        means = rates.mean()
        curves[row] = roc.Curve(
            means.index.to_numpy(),
            means.to_numpy(),
            _mean(data, row, f"{attack}.auc"),
            int(rates.size().max()),
        )
    return curves


def _mean(data: ExperimentData, row: RowKey, metric: str) -> float:
    """Return the mean of a number over the finished runs of a row."""
    return summarise(rows.values_of(data.by_row[row]).get(metric, [])).mean


def _histograms(data: ExperimentData) -> tuple[list[Drawing], list[str]]:
    by_row = rows.by_row(data.histograms)
    if not _panel_order(by_row):
        if SAMPLED_BY in data.measures:
            return [], ["No histograms: no run left outputs."]
        return [], ["No histograms: this experiment measures no loss and entropy per sample."]
    figures = []
    for kind, (title, module) in HISTOGRAMS.items():
        figure = module.draw(panels_of(data, kind))
        figures.append(
            drawing(
                f"{data.name}-{kind}",
                figure,
                title=title,
                caption=_HISTOGRAM.format(what=kind),
                table=f"{data.name}-methods",
                numbers=numbers_of(figure),
                wide=True,
                legend=True,
            )
        )
    return figures, []


def panels_of(data: ExperimentData, quantity: str) -> dict[RowKey, Panel]:
    """Return of each row the counts of its runs together, and the mean AUC over seeds, in the order of the panels."""
    by_row = rows.by_row(data.histograms)
    panels = {}
    for row in _panel_order(by_row):
        lines = by_row[row][by_row[row]["quantity"] == quantity]
        forget, test = (_counts(lines[lines["set"] == name]) for name in ("forget", "test"))
        panels[row] = Panel(forget, test, _mean(data, row, f"{quantity}_auc"))
    return panels


def _counts(lines: pd.DataFrame) -> np.ndarray:
    return np.bincount(lines["bin"], weights=lines["count"], minlength=BINS)


def _panel_order(by_row: dict[RowKey, pd.DataFrame]) -> list[RowKey]:
    """Return original, Retrain, then the methods."""
    first = [row for row in (ORIGINAL, RETRAIN) if row in by_row]
    return first + [row for row in by_row if row not in (ORIGINAL, RETRAIN, FLOOR)]


def drawing(
    name: str,
    figure: Figure,
    *,
    title: str,
    caption: str,
    table: str,
    numbers: pd.DataFrame | None = None,
    wide: bool = False,
    legend: bool = False,
) -> Drawing:
    """Return a figure as it is shown and as files; see `Drawing`."""
    svg = style.to_svg(figure)
    figure.set_layout_engine("none")  # the layout is settled; finding it again takes longer than drawing
    return Drawing(name, title, caption, table, svg, style.to_pdf(figure), numbers, wide, legend)
