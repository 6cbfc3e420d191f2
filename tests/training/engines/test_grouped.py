"""Networks trained at once become what training/loop.py makes of each alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import make
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.engines.grouped import LARGEST_MAP, WIDTH, Grouped, groups_of, together
from reunlearn.training.loop import train, train_together

EXACT = 1e-9  # largest difference of a weight in float64, after all epochs


class Doubles(ImageSamples):
    """Images in double precision."""

    def inputs(self, rows: Any, generator: torch.Generator | None = None) -> torch.Tensor:
        return super().inputs(rows, generator).double()


def recipe(**changed: Any) -> Recipe:
    settings = {"epochs": 6, "batch_size": 16, "learning_rate": 0.1, "weight_decay": 5e-4}
    return Recipe(**{**settings, **changed})


def digits(first: int = 0, count: int = 50, kind: type[ImageSamples] = Doubles) -> ImageSamples:
    found, rows = load_digits(), np.arange(first, first + count)
    x = (15 * found.images[rows, None]).astype(np.uint8)
    augmentation = Augmentation(("crop", "flip"), crop_padding=1)
    return kind(x, found.target[rows], rows, (0.3,), (0.4,), augmentation=augmentation)


def network(seed: int, dtype: torch.dtype = torch.float64) -> nn.Module:
    model = build(ArchitectureSpec(name="small_cnn", settings={"width": 6}), (1, 8, 8), 10, seed)
    return model.to(dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def furthest(a: nn.Module, b: nn.Module) -> float:
    theirs = b.state_dict()
    return max(float((v.double() - theirs[k].double()).abs().max()) for k, v in a.state_dict().items())


RECIPES = [
    {"nesterov": True, "schedule": "cosine"},
    {"optimizer": "adam", "learning_rate": 0.01, "label_smoothing": 0.1},
    {"optimizer": "adamw", "learning_rate": 0.01, "schedule": "linear", "schedule_per": "step"},
]


@pytest.mark.parametrize("settings", RECIPES)
def test_stacked_training_is_that_of_each_model_alone(settings: dict[str, Any]) -> None:
    """Different sets, seeds, orders and augmentation draws; the last batch is smaller."""
    wanted, objective = recipe(**settings), make(10, settings.get("label_smoothing", 0.0))
    sets, seeds = [digits(first) for first in (0, 50, 0)], [3, 4, 5]
    stacked, alone = ([network(seed) for seed in seeds] for _ in range(2))
    assert groups_of(stacked, sets, wanted) == [[0, 1, 2]]
    histories = train_together(stacked, sets, objective, wanted, seeds, engine=Grouped)
    for number, model in enumerate(alone):
        history = train(model, sets[number], objective, wanted, seeds[number])
        assert furthest(stacked[number], model) < EXACT
        for mine, theirs in zip(histories[number], history, strict=True):
            assert mine == pytest.approx(theirs, abs=1e-5)
    # the control: another order of batches is told apart
    other = network(3)
    train(other, sets[0], objective, wanted, 99)
    assert furthest(stacked[0], other) > 1000 * EXACT


def test_bits_depend_on_the_width_of_a_group_not_on_which_models_share_it() -> None:
    results = []
    for seeds in ([7, 1, 2], [7, 8, 9], [4, 7, 5]):
        models = [network(seed, torch.float32) for seed in seeds]
        train_together(models, [digits(kind=ImageSamples)] * 3, make(10), recipe(), seeds, engine=Grouped)
        results.append(models[seeds.index(7)])
    assert furthest(results[0], results[1]) == furthest(results[0], results[2]) == 0
    alone = network(7, torch.float32)
    train(alone, digits(kind=ImageSamples), make(10), recipe(), 7)
    assert furthest(results[0], alone) < 1e-3


def test_a_model_that_diverges_leaves_the_others_alone() -> None:
    def models() -> list[nn.Module]:
        found = [network(seed) for seed in (0, 1)]
        with torch.no_grad():
            found[1].head.weight.fill_(math.inf)  # type: ignore[union-attr, operator]
        return found

    stacked, alone, sets = models(), models(), [digits()] * 2
    histories = train_together(stacked, sets, make(10), recipe(), [0, 1], engine=Grouped)
    lengths = [len(train(model, sets[0], make(10), recipe(), seed)) for seed, model in enumerate(alone)]
    assert [len(history) for history in histories] == lengths == [6, 1]
    assert not math.isfinite(histories[1][-1]["loss"])
    assert furthest(stacked[0], alone[0]) < EXACT
    assert not torch.isfinite(stacked[1].head.weight).all()  # type: ignore[arg-type]


def test_who_shares_a_group_follows_from_the_sizes() -> None:
    assert together([50] * 12, width=5) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert together([50] * 10, width=4) == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert together([7, 8, 7, 8], width=5) == [[0, 2], [1, 3]]
    with pytest.raises(ValueError, match="equally many"):
        Grouped([network(0), network(1)], [digits(), digits(count=49)], make(10), recipe())


class KilledError(Exception):
    """Stands for the end of a process."""


def test_a_group_that_was_interrupted_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    seeds, sets, began = [3, 4], [digits(), digits(50)], []

    def die(numbers: dict[str, Any], epochs: int) -> None:
        if numbers["epoch"] == 4:
            raise KilledError

    def trained(**options: Any) -> tuple[list[nn.Module], Any]:
        models = [network(seed) for seed in seeds]
        options |= {"engine": Grouped, "seconds_between": 0}
        return models, train_together(models, sets, make(10), recipe(), seeds, **options)

    whole, histories = trained()
    with pytest.raises(KilledError):
        trained(checkpoints=tmp_path, progress=die)
    resumed, again = trained(checkpoints=tmp_path, progress=lambda numbers, _: began.append(numbers["epoch"]))
    assert began == [4, 5, 6]
    assert again == histories
    assert [furthest(a, b) for a, b in zip(resumed, whole, strict=True)] == [0, 0]


def test_one_by_one_has_a_reason() -> None:
    models, sets = [network(0), network(1)], [digits()] * 2
    assert groups_of(models, sets, recipe()) == [[0, 1]]
    assert "for itself" in groups_of(models, sets, recipe().model_copy(update={"optimizer": "lbfgs"}))
    assert "only one" in groups_of(models[:1], sets[:1], recipe())
    dropping = [nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10)) for _ in range(2)]
    assert "Dropout" in groups_of(dropping, sets, recipe())


def test_groups_are_as_wide_as_feature_maps_are_small() -> None:
    models, sets = [network(seed) for seed in range(12)], [digits(count=200)] * 12
    largest = 12 * 8 * 8 * 8 // 2  # bytes per sample: 6 channels of 8×8 doubles, more than 12 of 4×4
    for batch, width in {16: WIDTH, 200: min(WIDTH, LARGEST_MAP // (200 * largest))}.items():
        groups = groups_of(models, sets, recipe(batch_size=batch))
        assert max(len(places) for places in groups) == width
    wide = [
        build(ArchitectureSpec(name="small_cnn", settings={"width": 64}), (1, 8, 8), 10, s) for s in range(2)
    ]
    assert groups_of(wide, [digits(kind=ImageSamples)] * 2, recipe()) == [[0, 1]]
    many = [digits(count=500, kind=ImageSamples)] * 2
    assert "leave the caches" in groups_of(wide, many, recipe(batch_size=500))
