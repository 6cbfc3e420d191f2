"""Figures: the same bytes each time, colours that follow the theme and that colour-blind readers tell apart."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from reunlearn.reporting.drawing import style
from reunlearn.reporting.figures import gap_time, roc
from reunlearn.reporting.pages.view import TEMPLATES
from tests.reporting.conftest import report_with_holes


@pytest.fixture
def drawn(whole):
    """A figure, drawn anew each time."""
    return lambda: gap_time.draw(whole.data("random-0.2")).figure


def test_the_same_bytes_each_time(drawn):
    first, second = drawn(), drawn()
    assert style.to_svg(first) == style.to_svg(second)
    assert style.to_pdf(first) == style.to_pdf(second)
    assert not re.search(rb"20\d\d[-:]?\d\d", style.to_pdf(first))


def test_inline_follows_the_theme_and_prefixes_identifiers(drawn):
    svg = style.to_svg(drawn())
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


def test_a_file_follows_the_theme_and_says_so_in_plain_svg(drawn):
    svg = style.to_svg(drawn())
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


def test_no_curve_or_point_is_told_apart_by_colour_alone(whole, drawn):
    lines = roc.draw(whole.data("random-0.2")).figure.axes[0].lines
    looks = {line.get_color(): line._dash_pattern for line in lines if line.get_linewidth() > 1}
    assert len(looks) == 4
    assert len(set(map(str, looks.values()))) == 4
    points = drawn().axes[0].collections
    shapes = {part.get_paths()[0].vertices.tobytes() for part in points if len(part.get_offsets())}
    assert len(shapes) == 4


def test_the_report_is_a_pure_function_of_the_results(holed, holed_report):
    assert report_with_holes(holed) == holed_report
