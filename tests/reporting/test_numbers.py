"""How numbers are written."""

from __future__ import annotations

import pytest

from reunlearn.reporting import numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.25, "1.2"), (-0.04, "0.0"), (-3.0, "−3.0"), (NAN, "—"), (None, "—"), (float("inf"), "—")],
)
def test_plain(value, text):
    assert numbers.plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.19, "0.190 s"),
        (12.0, "12.0 s"),
        (119.0, "119 s"),
        (125.4, "2 min 05 s"),
        (7260, "2 h 01 min"),
        (NAN, "—"),
    ],
)
def test_seconds(value, text):
    assert numbers.seconds(value) == text


def test_deviation_is_left_out_for_one_run():
    assert numbers.with_deviation(5.0, NAN) == "5.0"
    assert numbers.with_deviation(5.0, 0.25) == "5.0 ± 0.2"
    assert numbers.with_deviation(NAN, NAN) == "—"


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.10"), (0.00871, "0.0087"), (9.96, "10"), (123.4, "123"), (NAN, "—")]
)
def test_ratio(value, text):
    assert numbers.ratio(value) == text


@pytest.mark.parametrize(
    ("size", "decimals"),
    [(0.0153, 5), (0.5, 4), (3.0, 3), (1234.0, 0), (1e9, 0), (0.0, 3), (NAN, 3), (1e-12, 8)],
)
def test_numbers_without_a_fixed_unit_have_four_digits(size, decimals):
    assert numbers.decimals_of(size) == decimals
