"""Labels beside points, none over another: each takes the first free place around its point."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

SIZE = 8.5  # of the text, in points
POINT = 5.0  # room kept around a point, in points
DISTANCES = (6.0, 12.0, 20.0, 30.0, 42.0)
# direction, horizontal and vertical alignment: right first, where one looks for a name
PLACES = (
    (1.0, 0.0, "left", "center"),
    (-1.0, 0.0, "right", "center"),
    (0.0, 1.0, "center", "bottom"),
    (0.0, -1.0, "center", "top"),
    (0.7, 0.7, "left", "bottom"),
    (0.7, -0.7, "left", "top"),
    (-0.7, 0.7, "right", "bottom"),
    (-0.7, -0.7, "right", "top"),
)


def place_labels(axes: Axes, points: list[tuple[float, float, str, str]], levels: list[float]) -> list[Bbox]:
    """Write each point's name beside it; return the boxes of the names in pixels.

    Args:
        axes: with its scales and limits set.
        points: (x, y, name, colour).
        levels: heights of lines across that a label keeps clear of.
    """
    figure = axes.figure
    canvas = FigureCanvasAgg(figure.get_figure(root=True))
    canvas.draw()
    pixel = canvas.figure.dpi / 72.0
    centres = axes.transData.transform([(x, y) for x, y, _, _ in points]) if points else np.empty((0, 2))
    taken = [_around(x, y, POINT * pixel) for x, y in centres]
    taken += [t.get_window_extent(canvas.get_renderer()) for t in axes.texts]
    frame = axes.get_window_extent(canvas.get_renderer())
    for level in levels:
        if np.isfinite(level):
            y = axes.transData.transform((axes.get_xlim()[0], level))[1]
            taken.append(Bbox([[frame.x0, y - pixel], [frame.x1, y + pixel]]))
    placed = []
    for index in np.argsort(centres[:, 0], kind="stable"):
        x, y, name, colour = points[index]
        text = axes.annotate(
            name, (x, y), xytext=(0, 0), textcoords="offset points", fontsize=SIZE, color=colour
        )
        text.set_zorder(5)
        others = [*taken[:index], *taken[index + 1 :]]
        for distance in DISTANCES:
            if _settle(text, distance, others, frame, canvas):
                break
        if distance > DISTANCES[0]:
            axes.annotate(
                "",
                (x, y),
                xytext=text.xyann,
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3},
            )
        box = text.get_window_extent(canvas.get_renderer())
        taken.append(box)
        placed.append(box)
    return placed


def _settle(text, distance: float, others: list[Bbox], frame: Bbox, canvas: FigureCanvasAgg) -> bool:
    """Move a label to the first place at this distance where it is free; tell whether there is one."""
    for dx, dy, horizontal, vertical in PLACES:
        text.set_ha(horizontal)
        text.set_va(vertical)
        text.xyann = (dx * distance, dy * distance)
        box = text.get_window_extent(canvas.get_renderer())
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if inside and not any(box.overlaps(other) for other in others):
            return True
    return False


def _around(x: float, y: float, room: float) -> Bbox:
    return Bbox([[x - room, y - room], [x + room, y + room]])
