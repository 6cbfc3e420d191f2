"""Ranks over a study: which blocks and methods count, and the diagram."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from reunlearn.reporting import ranking
from reunlearn.reporting.figures import critical_difference, style
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey

EXPERIMENTS = ("random-0.2", "class-3")


def experiments(made, *names: str, **changes):
    """Return the data of some experiments, all of them if none is named."""
    return [made.data(name, **changes) for name in names or EXPERIMENTS]


def test_ranks_are_those_of_the_gaps_of_all_seeds_and_experiments(whole):
    ranks = ranking.build(experiments(whole))
    assert ranks is not None
    table = ranking.blocks(experiments(whole))
    assert table.shape == (6, 10)
    assert RETRAIN not in table.columns
    assert FLOOR in table.columns
    methods = table.drop(columns=[FLOOR, ORIGINAL])
    slow = np.mean([stats.rankdata(row) for row in methods.to_numpy()], axis=0)
    assert ranks.numbers.loc[list(methods.columns), "average_rank"].to_numpy() == pytest.approx(slow)
    p = stats.friedmanchisquare(*methods.to_numpy().T).pvalue
    assert f"8 methods over 6 blocks: Friedman's p is {p:.2g}" in ranks.sentences[0]
    with_references = stats.friedmanchisquare(*table.to_numpy().T).pvalue
    assert f"{with_references:.2g}" != f"{p:.2g}"  # control: references would change the test
    assert len(ranks.sentences) == 1
    assert ranks.grid.rows[0].key == ranks.numbers["average_rank"].idxmin()


def test_references_stand_among_the_methods_without_moving_them(whole):
    data = experiments(whole)
    ranks, table = ranking.build(data), ranking.blocks(data)
    assert ranks is not None
    methods = table.drop(columns=[FLOOR, ORIGINAL])
    for reference in (FLOOR, ORIGINAL):
        together = [
            stats.rankdata([*block, own])[-1]
            for block, own in zip(methods.to_numpy(), table[reference], strict=True)
        ]
        assert ranks.numbers.loc[reference, "average_rank"] == pytest.approx(np.mean(together))


def test_a_method_with_a_hole_is_left_out_and_named(holed):
    ranks = ranking.build(experiments(holed))
    assert ranks is not None
    left_out = {RowKey(name) for name in ("lur", "salun", "gradient_ascent")}
    assert left_out.isdisjoint(ranks.numbers.index)
    assert "gradient_ascent" in ranks.sentences[1]
    assert "salun" in ranks.sentences[1]


def test_too_little_to_rank_gives_no_section(whole, nothing):
    assert ranking.build(experiments(nothing)) is None
    one_block = whole.results[whole.results.train_seed == 0]
    assert ranking.build(experiments(whole, "random-0.2", results=one_block)) is None
    one_method = whole.results[whole.results.method.isin(["retrain", "noise_floor", "original", "pgu"])]
    assert ranking.build(experiments(whole, results=one_method)) is None


def test_the_section_is_in_the_page_with_its_figure(whole_report, empty_report):
    assert 'id="ranks"' in whole_report.page
    assert 'id="ranks"' not in empty_report.page
    assert whole_report.files["figures/study-ranks.pdf"].startswith(b"%PDF")
    assert "tables/ranks.csv" in whole_report.files


@pytest.mark.parametrize("critical", [0.1, 1.5, 99.0, float("nan")])
def test_the_diagram_names_every_row_and_shows_the_critical_difference(critical):
    average = {
        RowKey("a"): 1.0,
        RowKey("b"): 2.0,
        RowKey("c_long_name", "paper", "wide"): 3.25,
        ORIGINAL: 4.0,
    }
    svg = style.to_svg(critical_difference.draw(average, critical))
    texts = " ".join(re.findall(r">([^<>]+)</text>", svg))
    assert all(name in texts for name in ("a ", "b ", "c_long_name@paper+wide", "Original"))
    assert "3.25" in texts
    assert (f"CD = {critical:.2f}" in texts) == np.isfinite(critical)
    assert ("wider than the axis" in texts) == (critical == 99)
