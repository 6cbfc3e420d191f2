"""Figures: the same bytes each time, colours that follow the theme, labels that do not touch."""

from __future__ import annotations

import dataclasses
import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from reunlearn.metrics.histograms import BINS, counts_of
from reunlearn.metrics.roc_grid import RATES, true_positive_rates
from reunlearn.metrics.separation import auc
from reunlearn.reporting import drawings, rows, tables
from reunlearn.reporting.figures import entropy_histograms, gap_time, labels, loss_histograms, roc, style
from reunlearn.reporting.figures.drawn import numbers_of
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from reunlearn.reporting.view import TEMPLATES
from tests.reporting.conftest import report_of


@pytest.fixture(scope="module")
def data(whole):
    """One experiment."""
    return whole.data("random-0.2")


@pytest.fixture(scope="module")
def table(data):
    """Its table of methods, ready to be drawn."""
    return tables.method_table(data)


@pytest.mark.parametrize(("kind", "quantity"), [(loss_histograms, "loss"), (entropy_histograms, "entropy")])
def test_histograms_have_a_panel_per_row(data, kind, quantity):
    panels = drawings.panels_of(data, quantity)
    wide, pgu = RowKey("gdr_gma", "code", "wide"), RowKey("pgu")
    some = {row: panels[row] for row in (ORIGINAL, RETRAIN, wide, pgu, RowKey("lur"))}
    figure = kind.draw(some)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    titles = ["Original", "Retrain", "gdr_gma@code+wide", "pgu", "lur"]
    assert [axes.get_title(loc="left") for axes in shown] == titles
    assert all(axes.patches for axes in shown)
    nothing = dataclasses.replace(some[pgu], forget=np.zeros(BINS), auc=np.nan)
    panel = kind.draw(some | {pgu: nothing}).axes[3]
    assert not panel.patches
    assert [t.get_text() for t in panel.texts] == ["no finite values"]


def test_a_panel_shows_the_samples_of_all_seeds_and_the_mean_auc(whole, data):
    panel = drawings.panels_of(data, "loss")[RETRAIN]
    samples = whole.tables.read("samples", experiment="random-0.2")
    samples = samples[samples.method == "retrain"]
    for name in ("forget", "test"):
        losses = samples.loc[samples.set == name, "loss"].to_numpy(dtype=float)
        assert np.abs(getattr(panel, name) - counts_of(losses)).sum() <= 2  # float32 may cross an edge
    aucs = [
        auc(-part[part.set == "forget"].loss.to_numpy(), -part[part.set == "test"].loss.to_numpy())
        for _, part in samples.groupby("run")
    ]
    assert panel.auc == pytest.approx(np.mean(aucs), abs=1e-4)
    assert f"AUC {panel.auc:.2f}" in {
        t.get_text() for t in loss_histograms.draw({RETRAIN: panel}).axes[0].texts
    }


def test_histogram_shares_sum_to_one_although_values_lie_beyond_the_edges(data):
    panel = drawings.panels_of(data, "loss")[RETRAIN]
    wild = dataclasses.replace(panel, forget=counts_of(np.full(10, 1e-30)))
    stairs = loss_histograms.draw({RETRAIN: wild}).axes[0].patches[0]
    assert stairs.get_data().values.sum() == pytest.approx(1)
    assert stairs.get_data().values[0] == 1


def test_roc_names_references_and_the_marked_and_leaves_the_floor_out(data, table):
    marks = dict(zip(rows.keys_of(table), table["mark"], strict=True))
    curves = drawings.curves_of(data, "shadow_xgboost")
    assert FLOOR in curves
    figure = roc.draw(curves, marks)
    named = [t.get_text() for t in figure.legends[0].get_texts()]
    best, second = (RowKey(*table.index[table["mark"] == m][0]).heading for m in ("best", "second"))
    assert [n.split(",")[0] for n in named] == [best, second, "Retrain", "Original", "other methods"]
    assert len(figure.axes[0].lines) == 1 + len(table) - 1  # the diagonal; no floor


def test_roc_is_the_mean_of_the_runs_curves(whole, data):
    curve = drawings.curves_of(data, "entropy_logistic")[RETRAIN]
    runs = [part for _, part in whole.tables.read("scores", experiment="random-0.2").groupby("run")]
    runs = [part[(part.method == "retrain") & (part.attack == "entropy_logistic")] for part in runs]
    curves = [
        true_positive_rates(
            *(part.score[part.member == side].to_numpy(dtype=float) for side in (True, False))
        )
        for part in runs
        if part.size
    ]
    assert curve.seeds == len(curves) == 3
    np.testing.assert_allclose(curve.false, RATES)
    np.testing.assert_allclose(curve.true, np.mean(curves, axis=0), atol=1e-9)
    assert np.abs(curve.true - curves[0]).max() > 0.01  # the control: one run's curve is another


def test_gap_time_shows_every_method_and_both_levels(table):
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


def test_the_same_bytes_each_time(table):
    first, second = gap_time.draw(table, "points"), gap_time.draw(table, "points")
    assert style.to_svg(first) == style.to_svg(second)
    assert style.to_pdf(first) == style.to_pdf(second)
    assert not re.search(rb"20\d\d[-:]?\d\d", style.to_pdf(first))


def test_inline_follows_the_theme_and_prefixes_identifiers(table):
    svg = style.to_svg(gap_time.draw(table, "points"))
    element = style.inline(svg, "one", 'a "label" & more')
    assert not [c for c in style.VARIABLES if c in element]
    assert all(c in svg for c in (style.INK, style.TEST, style.SURFACE))
    assert "DejaVu" in svg and "DejaVu" not in element
    assert all(i.startswith("one-") for i in re.findall(r'\bid="([^"]+)"', element))
    assert 'aria-label="a &quot;label&quot; &amp; more"' in element
    head = element[: element.index(">")]
    assert "viewBox" in head and "width=" not in head


def test_every_colour_of_a_report_is_known_to_the_theme(whole_report):
    figures = [text for name, text in whole_report.files.items() if name.endswith(".svg")]
    assert len(figures) > 8
    known = {*style.VARIABLES, *style.DARK.values(), "#000000"}
    assert set(re.findall(r"#[0-9a-f]{6}\b", "".join(figures))) <= known


def test_a_file_follows_the_theme_and_says_so_in_plain_svg(parts):
    svg = style.to_svg(gap_time.draw(parts[0], "points"))
    root = ElementTree.fromstring(svg)
    css = "".join(e.text for e in root.iter() if e.tag.endswith("style") and e.get("id") == "theme")
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    assert "#" not in light
    for colour, other in style.DARK.items():
        assert f'[style*="fill: {colour}"]{{fill:{other} !important}}' in dark
    assert set(style.DARK) == set(style.VARIABLES)
    assert not re.findall(r' d="[^"]*\d\.\d{4}', svg)
    assert style.size_of(svg) == (367, 360)


def test_the_page_has_the_colours_of_the_figures():
    css = (TEMPLATES / "page.css").read_text()
    light, dark = (
        dict(re.findall(r"(--\w+): (#\w{6})", part)) for part in css.split("prefers-color-scheme: dark")[:2]
    )
    for colour, name in style.VARIABLES.items():
        assert light[name] == colour, name
        assert dark[name] == style.DARK[colour], name


# Machado, Oliveira and Fernandes (2009), the whole deficiency, on linear RGB
EYES = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
APART = 20.0  # ΔE in CIELAB; about 2 is the least that one can see side by side


def lab(colour: str, eye: str) -> np.ndarray:
    """Return a colour as an eye sees it, in CIELAB."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(np.array(EYES[eye]) @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, eye: str) -> float:
    """Return how far apart an eye sees two colours."""
    return float(np.linalg.norm(lab(one, eye) - lab(other, eye)))


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stay_apart_for_colour_blind_readers(theme, eye):
    colours = [c if theme == "light" else style.DARK[c] for c in style.VARIABLES]
    near = [(a, b) for a, b in itertools.combinations(colours, 2) if distance(a, b, eye) < APART]
    assert near == []


def test_control_red_and_green_are_near_for_colour_blind_readers():
    red, green = "#b35900", "#5a7d00"
    assert distance(red, green, "usual") > 40 > APART > distance(red, green, "deuteranopia")


def test_no_curve_or_point_is_told_apart_by_colour_alone(parts):
    table, _, scores = parts
    marks = dict(zip(rows.keys_of(table), table["mark"], strict=True))
    lines = roc.draw(scores, "shadow_xgboost", marks).axes[0].lines
    looks = {line.get_color(): line._dash_pattern for line in lines if line.get_linewidth() > 1}
    assert len(looks) == 4
    assert len(set(map(str, looks.values()))) == 4
    points = gap_time.draw(table, "points").axes[0].collections
    shapes = {part.get_paths()[0].vertices.tobytes() for part in points if len(part.get_offsets())}
    assert len(shapes) == 4


def test_the_numbers_of_a_figure_are_those_that_it_draws(parts):
    table, _, scores = parts
    numbers = numbers_of(roc.draw(scores, "shadow_xgboost", {}))
    assert set(numbers["series"]) == {row.heading for row in rows.keys_of(table)} - {FLOOR.heading}
    retrain = numbers[numbers["series"] == "Retrain"]
    member, other = tables.pooled_scores(scores[RETRAIN], "shadow_xgboost")
    assert np.trapezoid(retrain["y"], retrain["x"]) == pytest.approx(auc(member, other))
    assert len(retrain) < len(np.unique(np.concatenate([member, other])))  # only the corners


def test_the_report_is_a_pure_function_of_the_results(holed, holed_report):
    assert report_of(holed, logs={holed.gathered.missing[0]}) == holed_report
