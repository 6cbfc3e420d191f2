"""Distances of weights against a loop; what is no weight is left out."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from reunlearn.metrics import weight_distance


def tensors(seed: int) -> dict[str, np.ndarray]:
    """Return the state of a small network with BatchNorm, drawn at random."""
    draw = np.random.default_rng(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    return {k: draw.normal(size=v.shape).astype(np.float32) for k, v in network.state_dict().items()}


def test_buffers_of_a_real_network_are_no_parameters():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 2))
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    assert set(weight_distance.parameters(state)) == {name for name, _ in network.named_parameters()}
    assert len(state) > len(weight_distance.parameters(state))


def test_distance_is_euclidean_over_all_weights():
    first, second = tensors(0), tensors(1)
    names = [n for n in first if "running" not in n and "num_batches" not in n]
    squares = sum(
        (float(a) - float(b)) ** 2 for n in names for a, b in zip(first[n].flat, second[n].flat, strict=True)
    )
    length = sum(float(b) ** 2 for n in names for b in second[n].flat)
    assert weight_distance.distance(first, second) == pytest.approx((squares**0.5, (squares / length) ** 0.5))


def test_only_weights_count_and_equal_ones_are_no_distance_apart():
    first, second = tensors(0), tensors(0)
    second["1.running_mean"] += 5
    assert weight_distance.distance(first, second) == (0, 0)
    second["0.bias"] += 1
    apart = weight_distance.distance(first, second)
    assert apart is not None
    assert apart[0] == pytest.approx(2)


def test_other_architectures_have_no_distance():
    first = tensors(0)
    assert weight_distance.distance(first, {k: v for k, v in first.items() if k != "0.bias"}) is None
    assert weight_distance.distance(first, {**first, "0.bias": np.zeros(5, dtype=np.float32)}) is None
