"""The five verdicts, at their edges: what two deviations, an interval and printed digits allow."""

from __future__ import annotations

import pytest

from reunlearn.metrics.statistics import Interval, Summary, summarise
from reunlearn.metrics.verdict import (
    EQUAL,
    NOT_COMPARABLE,
    OURS,
    OUTSIDE,
    PAPER,
    Printed,
    half_unit,
    verdict,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "half"),
    [("94.00", 0.005), ("94.0", 0.05), ("94", 0.5), ("0.5060", 0.00005), ("1021", 0.5), ("-0.10", 0.005)],
)
def test_rounding_is_half_a_unit_of_the_last_printed_digit(text, half):
    assert half_unit(text) == pytest.approx(half, rel=1e-12)


def test_what_is_no_number_has_no_digit():
    with pytest.raises(ValueError, match="finite"):
        half_unit("nan")


@pytest.mark.parametrize(
    ("ours", "printed", "kind"),
    [
        (Summary(94.5, 0.3, 3), Printed("94.00", "0.50"), PAPER),
        (Summary(95.014, 0.3, 3), Printed("94.00", "0.50"), PAPER),  # two deviations, both rounded
        (Summary(95.02, 0.3, 3), Printed("94.00", "0.50"), OUTSIDE),  # more than these
        (Summary(95.02, 0.6, 3), Printed("94.00", "0.50"), OURS),
        (Summary(99.99, 0.001, 3), Printed("100.00", "0.00"), PAPER),  # deviation up to 0.005, mean rounded
        (Summary(99.984, 0.001, 3), Printed("100.00", "0.00"), OUTSIDE),
        (Summary(94.004, 0.0, 3), Printed("94.00"), EQUAL),
        (Summary(0.5016, NAN, 1), Printed("0.5060"), OUTSIDE),  # four decimals: nothing like equal
        (Summary(0.50604, NAN, 1), Printed("0.5060"), EQUAL),
        (Summary(94.04, NAN, 1), Printed("94.0"), EQUAL),
        (Summary(94.02, NAN, 1), Printed("94.00"), OUTSIDE),  # no deviation spans nothing
        (Summary(94.4, 0.3, 3), Printed("94.00"), OURS),
        (Summary(94.0, 0.3, 3), Printed(""), NOT_COMPARABLE),
        (summarise([]), Printed("94.00", "0.50"), NOT_COMPARABLE),
        (summarise([NAN, NAN]), Printed("94.00", "0.50"), NOT_COMPARABLE),
    ],
)
def test_kinds(ours, printed, kind):
    found = verdict(ours, printed)
    assert found.kind == kind
    assert found.reason


@pytest.mark.parametrize(
    ("printed", "low", "high", "kind"),
    [
        ("2.17", 1.0, 3.0, OURS),
        ("3.00", 1.0, 2.996, OURS),  # rounded
        ("3.01", 1.0, 3.0, OUTSIDE),
        ("0.99", 1.0, 3.0, OUTSIDE),
        ("1.50", 1.0, 3.0, EQUAL),
        ("2.17", NAN, NAN, OUTSIDE),  # one seed
    ],
)
def test_an_interval_takes_the_place_of_our_deviation(printed, low, high, kind):
    found = verdict(Summary(1.5, NAN, 3), Printed(printed), interval=Interval(1.5, low, high))
    assert found.kind == kind


def test_distances_are_written_with_the_printed_decimals():
    assert verdict(Summary(0.5016, NAN, 1), Printed("0.5060")).reason.startswith("0.0044 apart")
    assert verdict(Summary(94.3, NAN, 1), Printed("94")).reason.startswith("0.30 apart")


def test_an_obstacle_wins_over_agreement_and_is_the_reason():
    found = verdict(Summary(94.0, 0.5, 3), Printed("94.00", "0.50"), "printed for CIFAR-100")
    assert (found.kind, found.reason) == (NOT_COMPARABLE, "printed for CIFAR-100")
