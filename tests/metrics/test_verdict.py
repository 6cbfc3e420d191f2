"""The four verdicts, at their edges."""

from __future__ import annotations

import pytest

from reunlearn.metrics.statistics import Summary, summarise
from reunlearn.metrics.verdict import NOT_COMPARABLE, OURS, OUTSIDE, PAPER, verdict

NAN = float("nan")


@pytest.mark.parametrize(
    ("ours", "reported", "kind"),
    [
        (Summary(94.5, 0.3, 3), Summary(94.0, 0.5, 0), PAPER),
        (Summary(95.0, 0.3, 3), Summary(94.0, 0.5, 0), PAPER),  # two deviations
        (Summary(95.02, 0.3, 3), Summary(94.0, 0.5, 0), OUTSIDE),  # more than these and the rounding
        (Summary(95.02, 0.6, 3), Summary(94.0, 0.5, 0), OURS),
        (Summary(94.004, 0.0, 3), Summary(94.0, 0.0, 0), PAPER),  # equal as printed
        (Summary(94.02, NAN, 1), Summary(94.0, NAN, 0), OUTSIDE),  # no deviation spans nothing
        (Summary(94.4, 0.3, 3), Summary(94.0, NAN, 0), OURS),
        (Summary(94.0, 0.3, 3), Summary(NAN, NAN, 0), NOT_COMPARABLE),
        (summarise([]), Summary(94.0, 0.5, 0), NOT_COMPARABLE),
        (summarise([NAN, NAN]), Summary(94.0, 0.5, 0), NOT_COMPARABLE),
    ],
)
def test_kinds(ours, reported, kind):
    found = verdict(ours, reported)
    assert found.kind == kind
    assert found.reason


def test_an_obstacle_wins_over_agreement_and_is_the_reason():
    found = verdict(Summary(94.0, 0.5, 3), Summary(94.0, 0.5, 0), "printed for CIFAR-100")
    assert (found.kind, found.reason) == (NOT_COMPARABLE, "printed for CIFAR-100")
