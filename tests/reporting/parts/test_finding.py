"""The finding of an experiment, in numbers and words."""

from __future__ import annotations

from reunlearn.reporting.parts import finding
from reunlearn.reporting.parts.finding import Finding
from reunlearn.reporting.parts.headline import Headline
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from tests.reporting import cards

NAN = float("nan")


def headline(*units: str, gap_decimals: int = 2) -> Headline:
    """Return a headline of numbers with these units."""
    names = [f"n{place}" for place in range(len(units))]
    number_cards = {n: cards.number(unit=unit) for n, unit in zip(names, units, strict=True)}
    return Headline(number_cards, dict.fromkeys(names, gap_decimals), gap_decimals)


A, B = RowKey("a"), RowKey("b", "paper")


def finding_of(gaps: dict[RowKey, float], best: list[RowKey], wanted: Headline | None = None) -> Finding:
    """Return the finding of a table with these gaps in which `best` are marked."""
    return finding.finding_of(
        gaps, dict.fromkeys(best, "best"), wanted or headline("%", "% of the forget set")
    )


def test_finding_names_the_best_and_how_far_the_others_are():
    found = finding_of({RETRAIN: 0.0, FLOOR: 1.0, ORIGINAL: 8.0, A: 2.0, B: 4.0}, [A])
    assert (found.best, found.best_gap) == ((A,), 2.0)
    assert (found.original_gap, found.floor_gap) == (8.0, 1.0)
    assert "a comes closest to Retrain, with an Avg. Gap of 2.00 points" in found.sentence
    assert "8.00 away, 4.0 times as far" in found.sentence
    assert "outside that noise" in found.sentence


def test_finding_says_when_nothing_helps_or_nothing_can_be_ranked():
    worse = finding_of({ORIGINAL: 1.0, FLOOR: 9.0, A: 2.0, B: 2.0}, [A, B])
    assert "a and b@paper come closest" in worse.sentence
    assert "no method helps here" in worse.sentence
    assert "within that noise" in worse.sentence
    assert finding_of({ORIGINAL: 1.0, A: NAN}, []).sentence.startswith("No method can be ranked")


def test_a_gap_has_the_unit_of_its_columns():
    losses = headline("squared error per pixel", "squared error per pixel", gap_decimals=5)
    assert (
        "an Avg. Gap of 0.00120 (squared error per pixel)." in finding_of({A: 0.0012}, [A], losses).sentence
    )
    assert losses.unit.short == "squared error per pixel"
    mixed = headline("%", "nats")
    assert "an Avg. Gap of 0.50." in finding_of({A: 0.5}, [A], mixed).sentence
    assert mixed.unit.short == ""
    assert headline("%", "percentage points from 50").unit.spoken == "points"
