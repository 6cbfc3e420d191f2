"""How figures look and how they are written: the same bytes each time, colours that follow the reader's theme.

Figures are drawn in the colours below, those of the page in its light theme. An SVG file says by a style of its own
what each becomes in the dark theme. Inside a page of a single file each becomes a CSS variable of the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# A test simulates red and green blindness: in both, each colour stays apart from all others.
INK, MUTED, FAINT, SURFACE = "#1b1f24", "#5c6671", "#b4bdc7", "#ffffff"
FORGET, TEST, BEST, SECOND = "#c8500a", "#1f6fb2", "#005c33", "#7a1fd1"  # vermilion, blue, green, violet
DARK = {
    INK: "#e6e9ed",
    MUTED: "#9aa5b1",
    FAINT: "#4d5763",
    SURFACE: "#14171b",
    FORGET: "#f0884a",
    TEST: "#5fb0ee",
    BEST: "#5fdc9f",
    SECOND: "#c65cff",
}

VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    FAINT: "--faint",
    SURFACE: "--surface",
    FORGET: "--forget",
    TEST: "--test",
    BEST: "--best",
    SECOND: "--second",
}

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'
POINTS = 72  # to the inch, in SVG and PDF files
DECIMALS = 2  # of coordinates in SVG files; their unit is a point

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and takes the page's font
    "svg.hashsalt": "reunlearn",
    "text.parse_math": False,  # a $ in a label of a study is one; axes with powers of ten format them as plain numbers
    "pdf.fonttype": 42,
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": SURFACE,
    "figure.facecolor": SURFACE,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.visible": False,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "axes.unicode_minus": True,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and write with the settings above, whatever the user's own matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def clear_y(axes: Axes) -> None:
    """Remove the vertical axis where only the shape matters."""
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)


def settle(figure: Figure) -> None:
    """Find the layout once and for all: for each file, `savefig` would go through the whole figure twice."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    with house_style():
        FigureCanvasSVG(figure)  # whose texts are measured
        figure.dpi = POINTS
        engine.execute(figure)
        figure.set_layout_engine(None)


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG document that follows the reader's theme, without date."""
    with house_style():
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", target.getvalue(), flags=re.DOTALL)
    return _themed(_rounded(svg))


def size_of(svg: str) -> tuple[int, int]:
    """Return width and height of an SVG document in its own unit, whole numbers."""
    match = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', svg)
    assert match is not None
    return round(float(match[1])), round(float(match[2]))


def _rounded(svg: str) -> str:
    """Return a document whose coordinates have a few decimals: half the size, and nothing that one could see."""

    def shorter(match: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.{DECIMALS}f}", match[0])

    return re.sub(r' (?:d|x|y|transform|points)="[^"]*"', shorter, svg)


def _themed(svg: str) -> str:
    """Return a document with a style for dark themes; programs that know no such styles show the light colours."""
    rules = [
        f'[style*="{kind}: {light}"]{{{kind}:{dark} !important}}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
    ]
    dark = "\n".join(rules)
    style = f"text{{font-family:{FONT} !important}}\n@media (prefers-color-scheme: dark){{\n{dark}\n}}"
    head, rest = svg[: svg.index("<svg")], svg[svg.index("<svg") :]
    tag, body = rest.split(">", 1)
    return f'{head}{tag}>\n <style type="text/css" id="theme">{style}</style>{body}'


def to_pdf(figure: Figure) -> bytes:
    """Return a figure as PDF, without date."""
    with house_style():
        target = io.BytesIO()
        figure.savefig(
            target, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None}
        )
        return target.getvalue()


def inline(svg: str, name: str, label: str) -> str:
    """Return an SVG document as an element of a page.

    Colours become CSS variables, fonts the page's own, identifiers get `name` as a prefix (several figures
    share a page), width and height give way to the viewBox, and `label` is what a screen reader says.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r'<style type="text/css" id="theme">.*?</style>', "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font-family: [^;\"]+", "font-family: var(--font)", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    head, rest = body.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{_attribute(label)}">{rest}'


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
