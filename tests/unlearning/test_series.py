from __future__ import annotations

import numpy as np
import torch

from reunlearn.unlearning.series import STACKED, Series


def test_nothing_is_noted_that_was_not_asked_for() -> None:
    series = Series()
    series.step(forget=torch.tensor(1.0), weight=0.5)
    series.end_epoch(torch.nn.Linear(1, 1))
    assert series.arrays() == {}
    only = Series({"lambda"})
    only.step(forget=torch.tensor(1.0), weight=0.5)
    assert set(only.arrays()) == {"lambda.step", "lambda.value"}


def test_steps_count_from_one_and_a_step_without_a_loss_has_no_point() -> None:
    series = Series({"losses"})
    series.step(forget=torch.tensor([1.0, 3.0]), retain=torch.tensor(5.0))
    series.step(forget=torch.empty(0), retain=torch.tensor(6.0))
    series.step(retain=torch.tensor(7.0))
    arrays = series.arrays()
    assert (arrays["forget_loss.step"].tolist(), arrays["forget_loss.value"].tolist()) == ([1], [2.0])
    assert arrays["retain_loss.step"].tolist() == [1, 2, 3]


def test_all_of_a_long_series_is_kept() -> None:
    series, count = Series({"losses"}), 2 * STACKED + 5
    for step in range(count):
        series.step(retain=torch.tensor(float(step)))
    np.testing.assert_array_equal(series.arrays()["retain_loss.value"], np.arange(count, dtype=np.float32))


def test_a_pair_is_not_computed_for_nothing() -> None:
    def compute():
        raise AssertionError("nobody asked for conflicts")

    Series({"losses"}).directions(torch.nn.Linear(1, 1), None, compute)
