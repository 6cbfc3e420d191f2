"""Ranks over a study: which blocks and methods count, and the diagram."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from reunlearn.reporting import lines, ranking
from reunlearn.reporting.figures import critical_difference, style

EXPERIMENTS = ["random-0.2", "class-3"]


def test_ranks_are_those_of_the_gaps_of_all_seeds_and_experiments(whole):
    found = ranking.build(whole["results"], EXPERIMENTS)
    assert found is not None
    table = ranking.blocks(whole["results"], EXPERIMENTS)
    assert table.shape == (6, 10)
    assert lines.RETRAIN not in table
    assert lines.FLOOR in table
    slow = np.mean([stats.rankdata(row) for row in table.to_numpy()], axis=0)
    assert found.numbers["average_rank"].to_numpy() == pytest.approx(slow)
    p = stats.friedmanchisquare(*table.to_numpy().T).pvalue
    assert f"Friedman's p is {p:.2g}" in found.sentences[0]
    assert len(found.sentences) == 1
    assert found.grid.lines[0].name == found.numbers["average_rank"].idxmin()


def test_a_method_with_a_hole_is_left_out_and_named(holed):
    found = ranking.build(holed["results"], EXPERIMENTS)
    assert found is not None
    assert {"lur", "salun", "gradient_ascent"}.isdisjoint(found.numbers.index)
    assert "gradient_ascent" in found.sentences[1]
    assert "salun" in found.sentences[1]


def test_too_little_to_rank_gives_no_section(whole, nothing):
    assert ranking.build(nothing["results"], EXPERIMENTS) is None
    one_block = whole["results"][whole["results"].train_seed == 0]
    assert ranking.build(one_block, EXPERIMENTS[:1]) is None
    one_method = whole["results"][whole["results"].row.isin(["retrain", "original", "pgu"])]
    assert ranking.build(one_method, EXPERIMENTS) is None


def test_the_section_is_in_the_page_with_its_figure(whole_report, empty_report):
    assert 'id="ranks"' in whole_report.page
    assert 'id="ranks"' not in empty_report.page
    assert whole_report.files["figures/study-ranks.pdf"].startswith(b"%PDF")
    assert "tables/ranks.csv" in whole_report.files


@pytest.mark.parametrize("critical", [0.1, 1.5, 99.0, float("nan")])
def test_the_diagram_names_every_line_and_tells_the_critical_difference(critical):
    average = {"a": 1.0, "b": 2.0, "c_long_name@paper": 3.25, "Original": 4.0}
    svg = style.to_svg(critical_difference.draw(average, critical))
    texts = " ".join(re.findall(r">([^<>]+)</text>", svg))
    assert all(name in texts for name in average)
    assert "3.25" in texts
    assert (f"CD = {critical:.2f}" in texts) == np.isfinite(critical)
    assert ("wider than the axis" in texts) == (critical == 99)
