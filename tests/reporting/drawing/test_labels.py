"""Labels beside points: none over another."""

from __future__ import annotations

import itertools

from matplotlib.figure import Figure

from reunlearn.reporting.drawing import labels


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
