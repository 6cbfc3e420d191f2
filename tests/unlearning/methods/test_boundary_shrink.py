"""Boundary shrink against FGSM pixel by pixel, in Python's floats."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.unlearning.task import AccessError, GuardedSet, Task
from tests.unlearning.making import make
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import (
    CLASSES,
    NETWORKS,
    DoubleSamples,
    Recorder,
    Seen,
    assert_same,
    make_sets,
)

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
REPOSITORY = ((0.4914, 0.4822, 0.2265), (0.2023, 0.1994, 0.2010))
LEVELS = np.random.default_rng(4).integers(0, 256, (6, 3, 4, 4)).astype(np.uint8)
SETTINGS = {"epochs": 2, "learning_rate": 0.1, "batch_size": 4, "augmented": False, "bound": 0.1}


def coloured() -> dict[str, DoubleSamples]:
    index = np.arange(6)
    return {"forget": DoubleSamples(LEVELS, index % CLASSES, index, MEAN, STD)}


def coloured_net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        layers = [
            nn.Conv2d(3, 4, 3, bias=False),
            nn.BatchNorm2d(4),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(16, CLASSES),
        ]
        return nn.Sequential(*layers).double()


class Watcher(Recorder):
    """Keeps the images that the nearest labels were read from, too."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[Tensor] = []

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        assert not model.training
        self.moved.append(batch.x)
        return super().outputs(model, batch)


def unlearn(
    model: nn.Module, sets: dict[str, Any], reading: str = "code", **settings: Any
) -> tuple[nn.Module, list[Seen], list[Tensor]]:
    """Return the result, the losses asked for (attack and lesson in turn), and the adversarial images."""
    objective = Watcher()
    task = Task(sets, {"forget"}, objective, CLASSES, 0)
    method = make("boundary_shrink", reading, {**SETTINGS, **settings})
    return method.unlearn(copy.deepcopy(model), task), objective.seen, objective.moved


def slow_images(model: nn.Module, seen: Seen, mean: tuple, std: tuple, whole: bool) -> Tensor:
    """Return each image after FGSM, every pixel by itself; the batch's mean loss gives the signs."""
    frozen = copy.deepcopy(model).eval()
    x = seen.batch.x.detach().clone().requires_grad_(True)
    probabilities = torch.softmax(frozen(x), dim=1)
    loss = -sum(torch.log(p[int(y)]) for p, y in zip(probabilities, seen.batch.y, strict=True)) / len(x)
    loss.backward()
    moved = torch.empty_like(x)
    for i, c, h, w in np.ndindex(*x.shape):
        if whole:
            pixel = float(LEVELS[int(seen.batch.index[i]), c, h, w]) / 255
        else:
            pixel = x[i, c, h, w].item() * std[c] + mean[c]
        s = x.grad[i, c, h, w].item()
        pixel = min(1.0, max(0.0, pixel + 0.1 * ((s > 0) - (s < 0))))
        moved[i, c, h, w] = (round(pixel * 255) / 255 - mean[c]) / std[c]
    return moved.detach()


@pytest.mark.parametrize(("reading", "space"), [("code", (MEAN, STD)), ("paper", REPOSITORY)])
def test_equals_descent_to_the_neighbours_labels(reading: str, space: tuple) -> None:
    model = coloured_net()
    unlearned, seen, moved = unlearn(model, coloured(), reading)
    attacks, lessons = seen[::2], seen[1::2]
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.9, 0.0)
    crossed = 0
    for attack, lesson, images in zip(attacks, lessons, moved, strict=True):
        assert (attack.training, lesson.training) == (False, True)
        wanted = slow_images(model, lesson, *space, whole=reading == "code")
        torch.testing.assert_close(
            images, wanted, rtol=0, atol=1e-6
        )  # mean and std are kept in single precision
        labels = copy.deepcopy(model).eval()(wanted).argmax(dim=1)
        assert torch.equal(lesson.draw, labels)
        assert torch.equal(attack.draw, lesson.batch.y)
        crossed += int((labels != lesson.batch.y).sum())
        optimizer.step(gradient(expected, mean_loss(expected, lesson)), 0.1)
    assert_same(unlearned, expected)
    assert crossed > 0, "no label differs from the true one"


def test_the_repositorys_pixels_move_further() -> None:
    """The two readings are not the same: where the data are normalised by .5 and .5, its step is larger."""
    model = coloured_net()
    index = np.arange(6)
    sets = {"forget": DoubleSamples(LEVELS, index % CLASSES, index, (0.5,) * 3, (0.5,) * 3)}
    labels = {}
    for reading in ("paper", "code"):
        _, seen, _ = unlearn(model, sets, reading, epochs=1, bound=0.03)
        labels[reading] = torch.cat([one.draw for one in seen[1::2]]).tolist()
    assert labels["paper"] != labels["code"]
    by_hand = unlearn(model, sets, "code", epochs=1, bound=0.03, pixel_space="repository")[1]
    assert torch.cat([one.draw for one in by_hand[1::2]]).tolist() == labels["paper"]


@pytest.mark.parametrize("network", NETWORKS)
def test_images_of_one_channel_keep_their_own_pixels(network: str) -> None:
    model = NETWORKS[network]()
    models = [unlearn(model, {"forget": make_sets()["forget"]}, reading)[0] for reading in ("paper", "code")]
    assert_same(*models, 0)


def test_without_a_step_the_labels_are_the_predictions() -> None:
    model = coloured_net()
    _, seen, _ = unlearn(model, coloured(), bound=0.0, epochs=1)
    for one in seen[1::2]:
        assert torch.equal(one.draw, copy.deepcopy(model).eval()(one.batch.x).argmax(dim=1))


def test_pixel_scale_leads_back_to_the_stored_levels() -> None:
    samples = coloured()["forget"]
    guarded = GuardedSet("forget", samples, torch.Generator())
    mean, std = guarded.pixel_scale
    assert torch.allclose(mean, torch.tensor(MEAN, dtype=torch.float64), atol=1e-6)
    assert torch.allclose(std, torch.tensor(STD, dtype=torch.float64), atol=1e-6)
    x = samples.take(slice(None)).x
    back = 255 * (x * std.view(1, 3, 1, 1) + mean.view(1, 3, 1, 1))
    assert torch.allclose(back, torch.from_numpy(LEVELS).double(), atol=1e-4)


def test_samples_without_pixels_refuse() -> None:
    from reunlearn.data.text import TextSamples

    texts = TextSamples(np.ones((2, 3), dtype=np.uint16), np.zeros(2), np.arange(2))
    with pytest.raises(AccessError, match="no pixels"):
        _ = GuardedSet("forget", texts, torch.Generator()).pixel_scale
