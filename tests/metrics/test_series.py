from __future__ import annotations

import numpy as np

from reunlearn.metrics.series import MOST, table_of, thinned


def test_a_short_series_stays_as_it_is() -> None:
    steps, values = np.arange(1, MOST + 1), np.random.default_rng(0).normal(size=MOST).astype(np.float32)
    for before, after in zip((steps, values), thinned(steps, values), strict=True):
        np.testing.assert_array_equal(after, before)


def test_a_long_series_becomes_means_of_neighbours() -> None:
    steps, values = thinned(np.arange(1, 11), np.arange(10.0), most=4)
    assert steps.tolist() == [3, 6, 9, 10]
    assert values.tolist() == [1.0, 4.0, 7.0, 9.0]


def test_no_length_gives_more_points_than_wanted() -> None:
    for length in (0, 1, MOST + 1, 2 * MOST - 1, 100_000):
        steps, values = thinned(np.arange(length), np.ones(length))
        assert len(steps) == len(values) <= MOST
        assert (values == 1).all()


def test_a_number_that_is_not_finite_is_not_hidden() -> None:
    _, values = thinned(np.arange(6), np.array([1, 1, np.nan, 1, 1, 1]), most=3)
    assert np.isnan(values).tolist() == [False, True, False]


def test_the_table_has_a_line_per_point_and_columns_where_there_is_none() -> None:
    arrays = {
        "b.step": np.array([1, 2]),
        "b.value": np.array([0.5, 0.25]),
        "a.step": np.array([7]),
        "a.value": [3.0],
    }
    table = table_of({name: np.asarray(values) for name, values in arrays.items()})
    assert list(zip(*(table[c].tolist() for c in ("series", "step", "value")), strict=True)) == [
        ("b", 1, 0.5),
        ("b", 2, 0.25),
        ("a", 7, 3.0),
    ]
    assert {name: len(column) for name, column in table_of({}).items()} == dict.fromkeys(table, 0)
