"""Figures: the same bytes each time, colours that follow the theme, labels that do not touch."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reunlearn.reporting import lines, tables
from reunlearn.reporting.figures import entropy_histograms, gap_time, labels, loss_histograms, roc, style
from reunlearn.reporting.page import make_report


@pytest.fixture(scope="module")
def parts(whole):
    """Table, samples and scores of one experiment, ready to be drawn."""
    results = whole["results"]
    frames = [lines.only_finished(whole[n], results) for n in ("samples", "scores")]
    frames = [lines.of_experiment(frame, "random-0.2") for frame in frames]
    return tables.method_table(whole["results"], "random-0.2", whole["runs"]), *frames


@pytest.mark.parametrize(("kind", "column"), [(loss_histograms, "loss"), (entropy_histograms, "entropy")])
def test_histograms_have_a_panel_per_line(parts, kind, column):
    _, samples, _ = parts
    order = ["Original", "Retrain", "finetune", "pgu", "lur"]
    figure = kind.draw(samples, order)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == order
    assert all(axes.patches for axes in shown)
    with_nan = samples.assign(**{column: samples[column].where(samples.line != "pgu")})
    panel = kind.draw(with_nan, order).axes[3]
    assert not panel.patches
    assert [t.get_text() for t in panel.texts] == ["no finite values"]


def test_histogram_shares_sum_to_one_although_values_lie_beyond_the_edges(parts):
    _, samples, _ = parts
    wild = samples.assign(loss=np.where(samples["set"] == "forget", 1e-30, samples.loss))
    stairs = loss_histograms.draw(wild, ["Retrain"]).axes[0].patches[0]
    assert stairs.get_data().values.sum() == pytest.approx(1)
    assert stairs.get_data().values[0] == 1


def test_roc_names_references_and_the_marked_and_leaves_the_floor_out(parts):
    table, _, scores = parts
    figure = roc.draw(scores, "shadow_xgboost", list(table.index), table["mark"].to_dict())
    named = [t.get_text() for t in figure.legends[0].get_texts()]
    best, second = (table.index[table["mark"] == m][0] for m in ("best", "second"))
    assert [n.split(",")[0] for n in named] == [best, second, "Retrain", "Original", "other methods"]
    assert len(figure.axes[0].lines) == 1 + len(table) - 1  # the diagonal; no floor


def test_gap_time_shows_every_method_and_both_levels(parts):
    table, _, _ = parts
    axes = gap_time.draw(table).axes[0]
    assert {t.get_text() for t in axes.texts if t.get_text()} == set(table.index)
    assert axes.get_xscale() == "log"


def test_gap_time_of_one_bad_method_keeps_the_others_apart():
    gaps = {"Retrain": (0.0, 9.0), "a": (0.8, 1.0), "b": (1.6, 1.1), "c": (60.0, 0.1)}
    table = pd.DataFrame(gaps, index=["avg_gap", "seconds"]).T.assign(mark="")
    axes = gap_time.draw(table).axes[0]
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
    first, second = gap_time.draw(table), gap_time.draw(table)
    assert style.to_svg(first) == style.to_svg(second)
    assert style.to_pdf(first) == style.to_pdf(second)
    assert not re.search(rb"20\d\d[-:]?\d\d", style.to_pdf(first))


def test_inline_follows_the_theme_and_prefixes_identifiers(parts):
    svg = style.to_svg(gap_time.draw(parts[0]))
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
    import synthetic

    again = make_report(**holed, catalogue=synthetic.CATALOGUE, logs={holed["runs"]["missing"][0]})
    assert again == holed_report
