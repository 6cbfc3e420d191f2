"""Fréchet Inception distances: which images are compared, in which features, after which cast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from reunlearn.base.hashing import sha256
from reunlearn.measures import _inception, fid
from reunlearn.measures._frechet import frechet_distance
from reunlearn.measures.registry import MeasureInputs
from tests.measures.test_generation import ASKED, drawn


class Brightness:
    """Stands for Inception: two features of the pixels that it gets, and of which layer it was asked."""

    def to(self, device: torch.device) -> Brightness:
        return self

    def early(self, x_NCHW: Tensor) -> Tensor:
        assert x_NCHW.shape[1] == 3
        return torch.stack((x_NCHW.mean(dim=(1, 2, 3)), x_NCHW.amax(dim=(1, 2, 3))), dim=1)

    def last(self, x_NCHW: Tensor) -> Tensor:
        return 2 * self.early(x_NCHW)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "inception.safetensors"
    path.write_bytes(b"some")
    monkeypatch.setattr(_inception, "load", lambda path: Brightness())
    return path


def measured(weights: Path, brightness: list[int], per_class: int | None = None):
    settings = {"weights": str(weights), "per_class": per_class}
    return fid.run(MeasureInputs(settings=settings, drawn=drawn(brightness, ASKED).drawn))


GOOD = [40] * 8 + [120] * 8 + [200] * 8


def test_distances_are_of_the_classes_that_stay_and_their_floor_of_test_images(weights: Path) -> None:
    of = drawn(GOOD, ASKED).drawn
    assert of is not None
    stays = {
        name: s.pixels(slice(None)).float()[s.y != 1]
        for name, s in zip(("drawn", "train", "test"), (of.samples, of.training, of.test), strict=True)
    }
    features = {name: Brightness().last(x.expand(-1, 3, -1, -1)).numpy() for name, x in stays.items()}
    numbers = measured(weights, GOOD).numbers
    assert numbers["fid2048"] == pytest.approx(frechet_distance(features["train"], features["drawn"]))
    floor = frechet_distance(features["train"], features["test"][: len(features["drawn"])])
    assert numbers["fid2048_floor"] == pytest.approx(floor)
    other_forgotten = measured(weights, [40] * 8 + [0] * 8 + [200] * 8).numbers
    assert other_forgotten == numbers, "samples of the forgotten class do not count"
    far = measured(weights, [90] * 24).numbers
    assert far["fid2048"] > 10 * numbers["fid2048"] and far["fid2048_floor"] == numbers["fid2048_floor"]


def test_the_released_distance_sees_extreme_pixels_alone(weights: Path) -> None:
    grey, other_grey = measured(weights, [100] * 24).numbers, measured(weights, [150] * 24).numbers
    assert grey["fid64_released"] == other_grey["fid64_released"]
    assert grey["fid2048"] != other_grey["fid2048"], "the control"
    assert measured(weights, [0] * 24).numbers["fid64_released"] > 100


def test_the_cast_is_that_of_the_released_script() -> None:
    x = torch.tensor([-1, -0.7, -0.2, 0, 0.3, 0.9, 1])
    assert fid.released_cast((x + 1) * 127.5).tolist() == [255, 0, 0, 0, 0, 0, 1]


def test_the_judge_is_named_by_its_weights(weights: Path) -> None:
    table = measured(weights, GOOD).tables["judges"]
    assert table["network"].tolist() == ["Inception of 2015"]
    assert table["weights"].tolist() == [sha256(weights)]


def test_few_real_images_of_each_class(weights: Path) -> None:
    of = drawn(GOOD, ASKED).drawn
    assert of is not None
    rows = fid.rows_of(of.training, of.forgotten, 3)
    assert np.bincount(of.training.y[rows]).tolist() == [3, 0, 3] and rows.tolist() == sorted(rows.tolist())
    assert len(fid.rows_of(of.training, of.forgotten)) == 20
    few, every = measured(weights, GOOD, 3).numbers, measured(weights, GOOD).numbers
    assert few["fid2048"] != every["fid2048"]
