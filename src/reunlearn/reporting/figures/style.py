"""How figures look and how they are written: the same bytes each time, colours that follow the page's theme.

Figures are drawn in the colours below. In files they stay; inside the page each becomes a CSS variable, so
that dark mode is a matter of the page's style sheet.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, FAINT, SURFACE = "#1b1f24", "#626c78", "#b4bdc7", "#ffffff"
FORGET, TEST = "#c8500a", "#1f6fb2"  # vermilion and blue: told apart in every common colour blindness
BEST, SECOND = "#0a8767", "#a3508a"

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

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and takes the page's font
    "svg.hashsalt": "reunlearn",
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


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG document, without date."""
    with house_style():
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
        return target.getvalue()


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
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font-family: [^;\"]+", "font-family: var(--font)", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    head, rest = body.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{_attribute(label)}">{rest}'


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
