"""How far two models are apart: 0 for equal ones alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from reunlearn.base.files import write_json
from reunlearn.training.replay import difference
from reunlearn.training.replayed import replayed_distance


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def test_distance_is_euclidean_over_weights_and_buffers() -> None:
    first, second = network(), network()
    assert difference(first, second) == {"replay_distance": 0.0, "replay_largest": 0.0}
    second[0].weight.data[0, 0] += 3
    second[1].running_mean += torch.tensor([0.0, -4.0])
    found = difference(first, second)
    assert found["replay_distance"] == pytest.approx(5, rel=1e-6)
    assert found["replay_largest"] == pytest.approx(4, rel=1e-6)


def test_counters_count() -> None:
    first, second = network(), network()
    second[1].num_batches_tracked += 1
    assert difference(first, second)["replay_distance"] == 1


def test_the_smallest_difference_of_all_is_not_lost_in_its_square() -> None:
    first, second = network().double(), network().double()
    for model, value in ((first, 0.0), (second, 5e-324)):
        model[0].bias.data[0] = value
    assert difference(first, second)["replay_distance"] == 5e-324


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_diverged_models_are_equal_to_themselves_only(value: float) -> None:
    first, second = network(), network()
    first[0].weight.data[0, 0] = value
    assert difference(first, second)["replay_distance"] == math.inf
    second[0].weight.data[0, 0] = value
    assert difference(first, second)["replay_distance"] == 0


def test_an_infinite_distance_survives_its_file(tmp_path: Path) -> None:
    assert replayed_distance(tmp_path) == 0
    write_json(tmp_path / "replay.json", {"replay_distance": math.inf})
    assert replayed_distance(tmp_path) == math.inf
