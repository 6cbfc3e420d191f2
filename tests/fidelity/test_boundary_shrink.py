"""Boundary shrink: ours equals the reference in both readings; the reference's labels are worked out."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .batches import normal
from .harness import assert_equal, run
from .networks import NETS, linear
from .references import boundary_shrink
from .sets import MEAN, STD

SETTINGS = {"epochs": 2, "batch_size": 4, "learning_rate": 0.05, "weight_decay": 1e-3}
REPOSITORY_MEAN, REPOSITORY_STD = (0.4914, 0.4822, 0.2265), (0.2023, 0.1994, 0.2010)
SGD = {"name": "sgd", "momentum": 0.9, "weight_decay": 1e-3}


def compare(kind: str, reading: str) -> None:
    """Both round to 1/255; the repository's constants are for the three channels of two_layer's images."""
    ours = run(f"boundary_shrink@{reading}", kind, {**SETTINGS, "bound": 0.3})
    channels = ours.drawn[0].x.shape[1]
    pixels: dict[str, Any] = {"mean": (MEAN,) * channels, "std": (STD,) * channels}
    if reading == "paper" and channels == 3:
        pixels = {"mean": REPOSITORY_MEAN, "std": REPOSITORY_STD}
    expected = boundary_shrink.reference(
        ours.original(),
        {"forget": ours.batches("forget")},
        optimizer=SGD,
        learning_rate=0.05,
        bound=0.3,
        discretise=True,
        **pixels,
    )
    assert ours.logged[0]["crossed"] > 0
    assert_equal(ours, expected)


COMPARISONS = {
    "boundary_shrink@paper": partial(compare, reading="paper"),
    "boundary_shrink@code": partial(compare, reading="code"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


EYE = torch.eye(2, dtype=torch.float64)


def two_class() -> nn.Module:
    """Return a model with the logits (a, b) for a pixel pair (a, b)."""
    return nn.Sequential(nn.Flatten(), linear(EYE))


def per_channel(values: list[float]) -> Tensor:
    """Return the values [1, C, 1, 1]."""
    return torch.tensor(values, dtype=torch.float64).reshape(1, -1, 1, 1)


def test_inputs_cross_the_boundary_and_the_new_label_is_fitted() -> None:
    """CE of class 0 falls with a and grows with b: FGSM goes (a - bound, b + bound)."""
    pixels, y = torch.tensor([[0.55, 0.45], [0.9, 0.1]]).double(), torch.tensor([0, 0])
    x, model = pixels.reshape(2, 2, 1, 1), two_class()
    moved = boundary_shrink.adversarial_inputs(model, x, y, bound=0.1)
    torch.testing.assert_close(moved.reshape(2, 2), torch.tensor([[0.45, 0.55], [0.8, 0.2]]).double())
    assert boundary_shrink.nearest_labels(model, x, y, bound=0.1).tolist() == [1, 0]

    slope = (torch.softmax(pixels, 1) - EYE.flip(0)).T @ pixels / 2
    boundary_shrink.reference(model, {"forget": [(x, y)]}, optimizer={"name": "sgd"}, learning_rate=0.1)
    torch.testing.assert_close(model[1].weight.detach(), EYE - 0.1 * slope)


def test_the_step_is_one_of_pixels() -> None:
    """In normalised inputs the step is bound / std; the clamp holds in pixels; levels are n / 255."""
    model, y = two_class(), torch.arange(6) % 2
    pixels = torch.sigmoid(normal(6, 2, 1, 1, seed=6))
    mean, std = [0.4, 0.5], [0.2, 0.25]
    x = (pixels - per_channel(mean)) / per_channel(std)
    free = boundary_shrink.adversarial_inputs(model, x, y, bound=0.1, mean=mean, std=std, clamp=False)
    torch.testing.assert_close((free - x).abs(), (0.1 / per_channel(std)).expand(6, 2, 1, 1))
    clamped = boundary_shrink.adversarial_inputs(model, x, y, bound=0.9, mean=mean, std=std)
    back = clamped * per_channel(std) + per_channel(mean)
    assert float(back.min()) >= -1e-12 and float(back.max()) <= 1 + 1e-12
    levels = 255 * boundary_shrink.adversarial_inputs(model, pixels, y, bound=0.1, discretise=True)
    torch.testing.assert_close(levels, levels.round())
