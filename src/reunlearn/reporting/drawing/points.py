"""The numbers that a figure shows, read from the figure itself: they cannot differ from what is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch

STRAIGHT = 1e-12  # twice the area between three points that lie on one line, but for rounding
COLUMNS = ["panel", "series", "x", "y"]


def points_of(figure: Figure) -> pd.DataFrame:
    """Return the points of every named curve and histogram: panel, series, x, y.

    A histogram's x is the lower edge of a bin; a last x without y is the upper edge of the last bin. A bar's x is the
    text of the nearest tick.
    """
    frames = [
        pd.DataFrame({"panel": axes.get_title(loc="left"), "series": name, "x": x, "y": y})
        for axes in figure.axes
        for name, x, y in (*_series((*axes.lines, *axes.patches)), *_bars(axes))
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def _series(artists: tuple[Artist, ...]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, x and y of what has a name; matplotlib's own names begin with an underscore."""
    for artist in artists:
        name = str(artist.get_label())
        if not name or name.startswith("_"):
            continue
        if isinstance(artist, StepPatch):
            values, edges, _ = artist.get_data()
            yield name, np.asarray(edges), np.append(values, np.nan)
        elif isinstance(artist, Line2D):
            x, y = np.asarray(artist.get_xdata(), float), np.asarray(artist.get_ydata(), float)
            kept = _corners(x, y)
            yield name, x[kept], y[kept]


def _bars(axes: Axes) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, ticks and heights of bars that have a name."""
    named = [
        c for c in axes.containers if isinstance(c, BarContainer) and not str(c.get_label()).startswith("_")
    ]
    if not named:
        return  # to ask for ticks lays them out
    places, texts = axes.get_xticks(), np.array([tick.get_text() for tick in axes.get_xticklabels()], object)
    for bars in named:
        centres = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars])
        nearest = np.abs(centres[:, None] - places).argmin(axis=1)
        yield str(bars.get_label()), texts[nearest], np.array([bar.get_height() for bar in bars])


def _corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell which points a line needs: those on a straight way between their neighbours change nothing."""
    turn = np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]
    return np.concatenate([[True], np.abs(turn) > STRAIGHT, [True]]) if len(x) > 2 else np.full(len(x), True)
