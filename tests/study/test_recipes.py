"""The recipes of the papers: each file is read, and has what paper or code prints; contradictions are refused."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.load import load_recipe, names
from reunlearn.study.recipes import NamedRecipe, Recipe, RecipeFile

CIFAR = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
SFR_CIFAR = (0.4914008, 0.4821590, 0.4465309), (0.2023028, 0.1994131, 0.2009607)
OPTML_10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
OPTML_100 = (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)
PGU = (0.5071, 0.4866, 0.4409), (0.2009, 0.1984, 0.2023)
TINY = (0.4802, 0.4481, 0.3975), (0.2302, 0.2265, 0.2262)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# as printed: epochs, batch, optimizer, first rate, momentum (None: not of this optimizer), nesterov, weight decay
OPTIMIZERS: dict[str, tuple[Any, ...]] = {
    "gdr-gma-cifar10": (200, 256, "sgd", 0.1, 0.9, False, 5e-4),
    "gdr-gma-tiny": (200, 256, "sgd", 0.1, 0.9, False, 5e-4),
    "sfr-on-cifar10": (200, 128, "sgd", 0.1, 0.9, False, 5e-4),
    "sfr-on-tiny": (10, 128, "adamw", 1e-4, None, False, 0.05),
    "nabla-tau-cifar10": (50, 256, "sgd", 0.1, 0.9, False, 5e-4),
    "nabla-tau-cifar100": (50, 256, "sgd", 0.1, 0.9, False, 5e-4),
    "pgu-smallvgg-paper": (200, 250, "sgd", 0.01, 0.9, True, 1e-4),
    "pgu-smallvgg-code": (200, 256, "sgd", 0.01, 0.9, False, 1e-4),
    "pgu-allcnn-paper": (200, 250, "sgd", 0.01, 0.9, True, 1e-4),
    "pgu-allcnn-code": (100, 256, "sgd", 0.01, 0.9, False, 1e-4),
    "pgu-resnet18-paper": (200, 250, "adam", 1e-3, None, False, 2e-4),
    "pgu-resnet18-code": (200, 256, "adam", 1e-3, None, False, 2e-4),
    "lur-cifar10": (182, 256, "sgd", 0.1, 0.9, False, 5e-4),
    "lur-cifar100": (182, 256, "sgd", 0.1, 0.9, False, 5e-4),
    "lur-celeba": (10, 8, "sgd", 1e-3, 0.9, False, 5e-4),
}
# schedule and what shapes it: milestones, or the last epoch's rate
SCHEDULES: dict[str, tuple[str, Any]] = {
    "gdr-gma-cifar10": ("multistep", [100, 150]),
    "gdr-gma-tiny": ("multistep", [100, 150]),
    "sfr-on-cifar10": ("cosine", None),
    "sfr-on-tiny": ("cosine", None),
    "nabla-tau-cifar10": ("linear", 1e-4),
    "nabla-tau-cifar100": ("linear", 1e-4),
    "pgu-smallvgg-paper": ("exponential", 5e-4),
    "pgu-smallvgg-code": ("exponential", 0.01 * (5e-4 / 0.01) ** (199 / 200)),
    "pgu-allcnn-paper": ("exponential", 5e-4),
    "pgu-allcnn-code": ("exponential", 0.01 * (5e-4 / 0.01) ** (99 / 100)),
    "pgu-resnet18-paper": ("exponential", 5e-4),
    "pgu-resnet18-code": ("exponential", 1e-3 * (1e-4 / 1e-3) ** (199 / 200)),
    "lur-cifar10": ("multistep", [91, 136]),
    "lur-cifar100": ("multistep", [91, 136]),
    "lur-celeba": ("constant", None),
}
# changes of training images in their order, resize, mean and std
IMAGES: dict[str, tuple[Any, ...]] = {
    "gdr-gma-cifar10": (["crop", "flip"], None, CIFAR),
    "gdr-gma-tiny": (["rotation", "flip"], 224, TINY),
    "sfr-on-cifar10": (["crop", "flip"], None, SFR_CIFAR),
    "sfr-on-tiny": (["randaugment"], 224, IMAGENET),
    "nabla-tau-cifar10": (["crop", "flip"], None, (None, None)),
    "nabla-tau-cifar100": (["crop", "flip"], None, (None, None)),
    **{name: (["crop", "flip"], None, PGU) for name in OPTIMIZERS if name.startswith("pgu-")},
    "lur-cifar10": (["crop", "flip"], None, OPTML_10),
    "lur-cifar100": (["crop", "flip"], None, OPTML_100),
    "lur-celeba": (["flip"], 224, IMAGENET),
}
FILES = Path("config/recipes")
GOOD = {"source": "tests", "epochs": 10, "batch_size": 4, "learning_rate": 0.1}


def test_a_recipe_of_another_folder_or_that_has_changed_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "digits-small"
    before = load_recipe(name)
    content = yaml.safe_load((FILES / f"{name}.yaml").read_text(encoding="utf-8"))
    file = tmp_path / "recipes" / f"{name}.yaml"
    file.parent.mkdir()
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    for epochs in (before.epochs + 1, before.epochs + 2):
        file.write_text(yaml.safe_dump({**content, "epochs": epochs}))
        os.utime(file, ns=(epochs, epochs))
        assert load_recipe(name).epochs == epochs
    monkeypatch.undo()
    assert load_recipe(name) == before


def test_every_file_is_a_recipe_with_a_source() -> None:
    assert set(OPTIMIZERS) <= set(names("recipes"))
    assert OPTIMIZERS.keys() == SCHEDULES.keys() == IMAGES.keys()
    for name in names("recipes"):
        assert load_recipe(name).name == name
        assert yaml.safe_load((FILES / f"{name}.yaml").read_text(encoding="utf-8"))["source"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_as_printed(name: str) -> None:
    recipe = load_recipe(name)
    epochs, batch, optimizer, rate, momentum, nesterov, decay = OPTIMIZERS[name]
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer) == (epochs, batch, optimizer)
    assert (recipe.learning_rate, recipe.nesterov, recipe.weight_decay) == (rate, nesterov, decay)
    assert momentum in (None, recipe.momentum)
    assert recipe.retrain_epochs == (160 if name.startswith("lur-cifar") else None)
    # no paper has any of these
    assert (recipe.label_smoothing, recipe.warmup_epochs, recipe.precision) == (0, 0, "full")


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_as_printed(name: str) -> None:
    recipe = load_recipe(name)
    kind, shape = SCHEDULES[name]
    assert (recipe.schedule, recipe.schedule_per) == (kind, "epoch")
    assert recipe.milestones == (tuple(shape) if kind == "multistep" else ())
    if kind in ("linear", "exponential"):
        assert recipe.learning_rate * recipe.schedule_end == pytest.approx(shape, rel=1e-8)


@pytest.mark.parametrize("name", IMAGES)
def test_images_as_printed(name: str) -> None:
    recipe = load_recipe(name)
    changes, resize, (mean, std) = IMAGES[name]
    assert (recipe.augmentation, recipe.resize) == (tuple(changes), resize)
    assert (recipe.mean, recipe.std) == (mean, std)
    if "crop" in changes:
        assert recipe.crop_padding == (8 if name.startswith("pgu-resnet18") else 4)
    if "rotation" in changes:
        assert recipe.rotation_degrees == 20
    if "randaugment" in changes:
        assert (recipe.randaugment_operations, recipe.randaugment_magnitude) == (2, 2)
    assert recipe.interpolation == ("bicubic" if name == "sfr-on-tiny" else "bilinear")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("nabla-tau-cifar10", {"momentum", "schedule_per", "crop_padding"}),
        ("nabla-tau-cifar100", {"momentum", "schedule_per", "crop_padding"}),
        *[
            (f"pgu-{net}-paper", {"momentum", "weight_decay", "augmentation", "crop_padding", "mean", "std"})
            for net in ("smallvgg", "allcnn")
        ],
        ("pgu-resnet18-paper", {"weight_decay", "augmentation", "crop_padding", "mean", "std"}),
        ("gdr-gma-cifar10", set()),
    ],
)
def test_what_no_source_states_is_marked(name: str, fields: set[str]) -> None:
    text = (FILES / f"{name}.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+): .*# not stated", text, flags=re.MULTILINE)) == fields


def test_the_two_readings_of_a_recipe_differ() -> None:
    for network in ("smallvgg", "allcnn", "resnet18"):
        paper, code = (load_recipe(f"pgu-{network}-{reading}") for reading in ("paper", "code"))
        assert paper.batch_size != code.batch_size
        assert paper.schedule_end != code.schedule_end


STEPS = {"schedule": "multistep"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "milestones of cosine": ({"schedule": "cosine", "milestones": [3]}, "schedule multistep come together"),
    "no milestones": (STEPS, "schedule multistep come together"),
    "a milestone too late": (STEPS | {"milestones": [3, 10]}, "before 10 epochs"),
    "a milestone at the start": (STEPS | {"milestones": [0]}, "after 0"),
    "milestones that fall": (STEPS | {"milestones": [5, 3]}, "must rise"),
    "a milestone twice": (STEPS | {"milestones": [5, 5]}, "must rise"),
    "a milestone in the warm-up": (STEPS | {"milestones": [3], "warmup_epochs": 3}, "after 3"),
    "a milestone past retraining": (STEPS | {"milestones": [8], "retrain_epochs": 8}, "before 8 epochs"),
    "warm-up only": ({"warmup_epochs": 10}, "leaves nothing of 10 epochs"),
    "retraining all warm-up": ({"warmup_epochs": 4, "retrain_epochs": 4}, "leaves nothing of 4 epochs"),
    "warm-up of one epoch": ({"warmup_epochs": 1}, "set schedule_per to step"),
    "exponential to nothing": ({"schedule": "exponential", "schedule_end": 0}, "schedule_end above 0"),
    "nesterov of adam": ({"nesterov": True, "optimizer": "adam"}, "nesterov needs optimizer sgd"),
    "nesterov at rest": ({"nesterov": True, "momentum": 0}, "momentum above 0"),
    "mean without std": ({"mean": [0.5]}, "mean and std come together"),
    "std without mean": ({"std": [0.5]}, "mean and std come together"),
    "channels": ({"mean": [0.5], "std": [0.2, 0.2]}, "one number per channel"),
    "mean of bytes": ({"mean": [128], "std": [0.2]}, "at most 1"),
    "no spread": ({"mean": [0.5], "std": [0]}, "above 0"),
    "all smooth": ({"label_smoothing": 1}, "below 1"),
    "an unknown schedule": (
        {"schedule": "step"},
        "'constant', 'cosine', 'linear', 'exponential' or 'multistep'",
    ),
    "a key that belongs to another": ({"epoch": 3, "learning_rate": -1}, "'epoch'; did you mean epochs"),
    "a schedule that is off": (
        {"schedule": False},
        "schedule: YAML reads this as false (also no and off), not as text; put it into quotes; it may be",
    ),
    "a milestone that is yes": (STEPS | {"milestones": [True]}, "milestones: true is no number"),
    "a rate that is on": ({"learning_rate": True}, "learning_rate: true is no number"),
    "an infinite rate": ({"weight_decay": float("inf")}, "weight_decay: inf (.inf, .nan) cannot be used"),
    "an unknown key": ({"warmup": 3}, "unknown key 'warmup'; did you mean warmup_epochs"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG)
def test_contradictions_are_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yaml").write_text(yaml.safe_dump(GOOD | change))
    with pytest.raises(UserError, match=re.escape(words)) as error:
        load_recipe("mine")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {},
        STEPS | {"milestones": [4, 9], "warmup_epochs": 3, "retrain_epochs": 12},
        {"warmup_epochs": 1, "schedule_per": "step"},
        {"schedule": "linear", "schedule_end": 0},
        {"nesterov": True, "mean": [0.5] * 3, "std": [0.2] * 3},
    ],
)
def test_what_agrees_is_taken(change: dict[str, Any]) -> None:
    """The control of the refusals: these are near to them and right."""
    resolved = RecipeFile.model_validate(GOOD | change).model_dump(mode="json")
    assert resolved == resolved | GOOD | change
    assert RecipeFile.model_validate(resolved)


def test_a_specification_gives_the_recipe_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A specification holds the recipe as JSON, under its name; where it comes from stays in the file."""
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    (tmp_path / "recipes").mkdir()
    lists = {"schedule": "multistep", "milestones": [3, 5], "mean": [0.5], "std": [0.25]}
    (tmp_path / "recipes" / "mine.yaml").write_text(yaml.safe_dump(GOOD | lists))
    recipe = load_recipe("mine")
    written = json.loads(json.dumps(recipe.model_dump(mode="json")))
    assert NamedRecipe.model_validate(written) == recipe
    assert (written["name"], written["milestones"]) == ("mine", [3, 5])
    assert "source" not in written
    with pytest.raises(ValidationError, match="source"):
        NamedRecipe.model_validate(written | {"source": "tests"})


def test_a_recipe_that_names_no_engine_has_the_digest_that_it_always_had() -> None:
    recipe = Recipe(epochs=1, batch_size=4, learning_rate=0.1)
    assert recipe.engine == "auto"
    assert "engine" not in recipe.model_dump(mode="json")
    named = recipe.model_copy(update={"engine": "eager"}).model_dump(mode="json")
    assert named == recipe.model_dump(mode="json") | {"engine": "eager"}
