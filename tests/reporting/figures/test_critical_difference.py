"""The diagram of ranks."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reunlearn.reporting.drawing import style
from reunlearn.reporting.figures import critical_difference
from reunlearn.reporting.rows import ORIGINAL, RowKey


@pytest.mark.parametrize("critical", [0.1, 1.5, 99.0, float("nan")])
def test_the_diagram_names_every_row_and_shows_the_critical_difference(critical):
    average = {
        RowKey("a"): 1.0,
        RowKey("b"): 2.0,
        RowKey("c_long_name", "paper", "wide"): 3.25,
        ORIGINAL: 4.0,
    }
    svg = style.to_svg(critical_difference.plot(average, critical))
    texts = " ".join(re.findall(r">([^<>]+)</text>", svg))
    assert all(name in texts for name in ("a ", "b ", "c_long_name@paper+wide", "Original"))
    assert "3.25" in texts
    assert (f"CD = {critical:.2f}" in texts) == np.isfinite(critical)
    assert ("wider than the axis" in texts) == (critical == 99)


def test_the_section_over_all_experiments_is_in_the_page_with_its_figure(whole_report, empty_report):
    assert 'id="whole"' in whole_report.page
    assert 'id="whole"' not in empty_report.page
    assert whole_report.files["figures/critical_difference.pdf"].startswith(b"%PDF")
    assert "tables/ranks.csv" in whole_report.files
