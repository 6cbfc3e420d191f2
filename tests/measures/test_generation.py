"""What a classifier says of samples, on images whose class is how bright they are."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from reunlearn.data.images import ImageSamples
from reunlearn.measures.generation import SHOWN, pictures, run
from reunlearn.measures.registry import Drawn, MeasureInputs
from reunlearn.objectives.classification import Classification

CLASSES, SIDE = 3, 4
WEIGHTS = "0123456789ab" + "c" * 52


class ByBrightness(nn.Module):
    """Takes an image for the class whose brightness, 40, 120 or 200, is nearest to its own."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, CLASSES)
        values_K = torch.tensor([40.0, 120.0, 200.0]) / 255
        with torch.no_grad():
            self.head.weight.copy_(torch.stack((2 * values_K, torch.zeros(CLASSES)), dim=1) * 200)
            self.head.bias.copy_(-values_K.square() * 200)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [B, 3]."""
        return self.head(torch.stack((x.mean(dim=(1, 2, 3)), x.std(dim=(1, 2, 3))), dim=1))


def images(values: list[int], seed: int) -> np.ndarray:
    """Return an image of each brightness, with some noise."""
    noise = np.random.default_rng(seed).integers(-10, 10, size=(len(values), 1, SIDE, SIDE))
    return np.clip(np.array(values)[:, None, None, None] + noise, 0, 255).astype(np.uint8)


def samples(x: np.ndarray, y: list[int]) -> ImageSamples:
    return ImageSamples(x, np.array(y), np.arange(len(y)), (0.0,), (1.0,))


def drawn(brightness: list[int], asked: list[int]) -> MeasureInputs:
    """Return samples of these brightnesses beside real images of all classes; class 1 is forgotten."""
    labels = [0, 1, 2] * 10
    real = [samples(images([40 + 80 * k for k in labels], seed), labels) for seed in (0, 1)]
    x = images(brightness, 2)
    forgotten = np.array([1])
    objective = Classification(CLASSES)
    names = ("a", "b", "c")
    drawn = Drawn(ByBrightness(), objective, samples(x, asked), *real, forgotten, names, WEIGHTS)
    return MeasureInputs(images=x, drawn=drawn)


ASKED = [0] * 8 + [1] * 8 + [2] * 8


def test_shares_of_forgotten_and_other_classes() -> None:
    brightness = [40] * 8 + [120] * 2 + [200] * 6 + [200] * 6 + [40] * 2
    measured = run(drawn(brightness, ASKED))
    numbers = measured.numbers
    assert numbers["generated_forget"] == pytest.approx(25)
    assert numbers["generated_away"] == pytest.approx(75)
    assert numbers["generated_retain"] == pytest.approx(100 * 14 / 16)
    table = measured.tables["drawn"]
    found = dict(zip(zip(table["asked"], table["answered"], strict=True), table["count"], strict=True))
    assert found == {(0, 0): 8, (1, 1): 2, (1, 2): 6, (2, 2): 6, (2, 0): 2}
    assert {name: column.tolist() for name, column in measured.tables["judges"].items()} == {
        "network": ["classifier"],
        "weights": [WEIGHTS],
    }


def test_nearness_is_that_of_the_classes_that_stay() -> None:
    near = run(drawn([40] * 8 + [0] * 8 + [200] * 8, ASKED)).numbers
    same = run(drawn([40] * 8 + [255] * 8 + [200] * 8, ASKED)).numbers
    far = run(drawn([120] * 8 + [0] * 8 + [120] * 8, ASKED)).numbers
    assert near["clf_fd"] == same["clf_fd"], "samples of the forgotten class do not count"
    assert near["clf_fd"] < 0.01 < far["clf_fd"]
    assert near["clf_fd_floor"] == far["clf_fd_floor"] < 0.01
    assert near["generated_precision"] > 50 > far["generated_precision"] == 0


def test_entropy_tells_a_sure_classifier_from_an_unsure_one() -> None:
    sure = run(drawn([40] * 24, ASKED)).numbers
    unsure = run(drawn([40] * 8 + [80] * 8 + [200] * 8, ASKED)).numbers
    assert sure["generated_entropy"] < 0.1 < unsure["generated_entropy"]
    assert sure["generated_probability"] < unsure["generated_probability"]


def test_pictures_are_the_first_of_each_class() -> None:
    x = images([40, 120] * (SHOWN + 2), 0)
    table = pictures(x, np.array([0, 1] * (SHOWN + 2)))
    assert table["asked"].tolist() == [0] * SHOWN + [1] * SHOWN
    assert table["number"].tolist() == [*range(SHOWN)] * 2
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(str(table["png"][SHOWN])))))
    assert np.array_equal(image, x[1, 0])
