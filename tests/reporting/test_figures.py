"""Figures: the same bytes each time, colours that follow the theme, labels that do not touch."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from reunlearn.reporting import rows, tables
from reunlearn.reporting.figures import entropy_histograms, gap_time, labels, loss_histograms, roc, style
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from tests.reporting.conftest import report_of


@pytest.fixture(scope="module")
def parts(whole):
    """Table, samples and scores of one experiment, ready to be drawn."""
    data = whole.data("random-0.2")
    return tables.method_table(data), rows.by_row(data.samples), rows.by_row(data.scores)


@pytest.mark.parametrize(("kind", "column"), [(loss_histograms, "loss"), (entropy_histograms, "entropy")])
def test_histograms_have_a_panel_per_row(parts, kind, column):
    _, by_row, _ = parts
    wide, pgu = RowKey("gdr_gma", "code", "wide"), RowKey("pgu")
    samples = {row: by_row[row] for row in (ORIGINAL, RETRAIN, wide, pgu, RowKey("lur"))}
    figure = kind.draw(samples)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    titles = ["Original", "Retrain", "gdr_gma@code+wide", "pgu", "lur"]
    assert [axes.get_title(loc="left") for axes in shown] == titles
    assert all(axes.patches for axes in shown)
    with_nan = samples | {pgu: samples[pgu].assign(**{column: np.nan})}
    panel = kind.draw(with_nan).axes[3]
    assert not panel.patches
    assert [t.get_text() for t in panel.texts] == ["no finite values"]


def test_histogram_shares_sum_to_one_although_values_lie_beyond_the_edges(parts):
    _, by_row, _ = parts
    samples = by_row[RETRAIN]
    wild = samples.assign(loss=np.where(samples["set"] == "forget", 1e-30, samples.loss))
    stairs = loss_histograms.draw({RETRAIN: wild}).axes[0].patches[0]
    assert stairs.get_data().values.sum() == pytest.approx(1)
    assert stairs.get_data().values[0] == 1


def test_roc_names_references_and_the_marked_and_leaves_the_floor_out(parts):
    table, _, scores = parts
    marks = dict(zip(rows.keys_of(table), table["mark"], strict=True))
    assert FLOOR in scores
    figure = roc.draw(scores, "shadow_xgboost", marks)
    named = [t.get_text() for t in figure.legends[0].get_texts()]
    best, second = (RowKey(*table.index[table["mark"] == m][0]).heading for m in ("best", "second"))
    assert [n.split(",")[0] for n in named] == [best, second, "Retrain", "Original", "other methods"]
    assert len(figure.axes[0].lines) == 1 + len(table) - 1  # the diagonal; no floor


def test_gap_time_shows_every_method_and_both_levels(parts):
    table, _, _ = parts
    axes = gap_time.draw(table, "points").axes[0]
    assert {t.get_text() for t in axes.texts if t.get_text()} == {r.heading for r in rows.keys_of(table)}
    assert axes.get_ylabel() == "Avg. Gap to Retrain (points)"
    assert axes.get_xscale() == "log"


def test_gap_time_of_one_bad_method_keeps_the_others_apart():
    gaps = {"retrain": (0.0, 9.0), "a": (0.8, 1.0), "b": (1.6, 1.1), "c": (60.0, 0.1)}
    table = rows.table({RowKey(n): {"avg_gap": g, "seconds": s, "mark": ""} for n, (g, s) in gaps.items()})
    axes = gap_time.draw(table, "points").axes[0]
    heights = axes.transAxes.inverted().transform(
        axes.transData.transform([(1, g) for g, _ in gaps.values()])
    )[:, 1]
    assert heights[2] - heights[1] > 0.03  # on a linear axis 0.012
    assert axes.get_ylim()[0] == 0


def test_labels_do_not_overlap_even_where_points_do():
    figure = Figure(figsize=(5, 4))
    axes = figure.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    points = [(5 + 0.1 * i, 5 + 0.15 * (i % 3), f"method_number_{i}", "black") for i in range(7)]
    boxes = labels.place_labels(axes, points, [4.5])
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    crowded = [(axes.transData.transform(p[:2]), p[2]) for p in points]
    same_side = [boxes[0].translated(*(xy - crowded[0][0])) for xy, _ in crowded]
    assert any(a.overlaps(b) for a, b in itertools.combinations(same_side, 2))  # without placing they would


def test_the_same_bytes_each_time(parts):
    table, _, _ = parts
    first, second = gap_time.draw(table, "points"), gap_time.draw(table, "points")
    assert style.to_svg(first) == style.to_svg(second)
    assert style.to_pdf(first) == style.to_pdf(second)
    assert not re.search(rb"20\d\d[-:]?\d\d", style.to_pdf(first))


def test_inline_follows_the_theme_and_prefixes_identifiers(parts):
    svg = style.to_svg(gap_time.draw(parts[0], "points"))
    element = style.inline(svg, "one", 'a "label" & more')
    assert not [c for c in style.VARIABLES if c in element]
    assert all(c in svg for c in (style.INK, style.TEST, style.SURFACE))
    assert "DejaVu" in svg and "DejaVu" not in element
    assert all(i.startswith("one-") for i in re.findall(r'\bid="([^"]+)"', element))
    assert 'aria-label="a &quot;label&quot; &amp; more"' in element
    head = element[: element.index(">")]
    assert "viewBox" in head and "width=" not in head


def test_every_colour_of_a_report_is_known_to_the_theme(whole_report):
    figures = "".join(re.findall(r"<svg.*?</svg>", whole_report.page, flags=re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}", figures)) <= {"#000000"}


def test_the_report_is_a_pure_function_of_the_results(holed, holed_report):
    assert report_of(holed, logs={holed.gathered.missing[0]}) == holed_report
