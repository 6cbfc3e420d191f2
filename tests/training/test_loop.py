"""Training: the same bits, interrupted or not; checkpoints of other trainings ignored; divergence noticed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.base.files import read_json
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Samples
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training import loop, precision
from reunlearn.training.loop import train

RECIPE = Recipe(
    learning_rate=0.05,
    weight_decay=5e-4,
    epochs=4,
    batch_size=16,
    schedule="cosine",
    augmentation=("crop", "flip"),
)
CHANGES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "nesterov": {"nesterov": True},
    "adam": {"optimizer": "adam", "learning_rate": 1e-3},
    "adamw": {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.01},
    "per step": {"schedule": "linear", "schedule_per": "step"},
    "exponential": {"schedule": "exponential", "schedule_end": 0.1},
    "multistep": {"schedule": "multistep", "milestones": (1, 3)},
    "warm-up": {"warmup_epochs": 2},
    "warm-up per step": {"warmup_epochs": 1, "schedule_per": "step"},
    "clipped and averaged": {"clip": 0.05, "average": 0.9},
}


class KilledError(Exception):
    """Stands for the end of the process."""


class Drawing(nn.Module):
    """Draws a number per batch, keeps it, and gives back its input."""

    def __init__(self, drawn: list[float]) -> None:
        super().__init__()
        self.drawn = drawn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.drawn.append(torch.rand(()).item())
        return x


def changed(change: dict[str, Any]) -> Recipe:
    """Return the recipe with other values, checked as if it were written so."""
    return Recipe(**(RECIPE.model_dump() | change))


def make_samples(recipe: Recipe) -> Samples:
    generator = np.random.default_rng(0)
    x_NCHW = generator.integers(0, 256, (50, 3, 8, 8), dtype=np.uint8)
    y_N = generator.integers(0, 4, 50)
    augmentation = Augmentation(recipe.augmentation)
    return ImageSamples(x_NCHW, y_N, np.arange(50), (0.5,) * 3, (0.25,) * 3, augmentation=augmentation)


def fresh(seed: int = 3, width: int = 8) -> nn.Module:
    return build(ArchitectureSpec(name="small_cnn", settings={"width": width}), (3, 8, 8), 4, seed)


def dropping(seed: int = 3) -> nn.Module:
    """Return a network with dropout."""
    return nn.Sequential(nn.Dropout(0.3), fresh(seed), nn.Dropout(0.3))


def run(
    recipe: Recipe,
    folder: Path | None = None,
    stop_after: int | None = None,
    seed: int = 3,
    model: nn.Module | None = None,
) -> Any:
    """Train; return (model, history, epochs done by this call). With `stop_after`, die in that epoch's report."""
    done: list[int] = []

    def progress(numbers: dict[str, Any], _: int) -> None:
        done.append(numbers["epoch"])
        if numbers["epoch"] == stop_after:
            raise KilledError

    model, samples = model or fresh(seed), make_samples(recipe)
    try:
        history = train(
            model,
            samples,
            Classification(4),
            recipe,
            seed,
            checkpoints=folder,
            progress=progress,
            checkpoint_seconds=0,
        )
    except KilledError:
        return model, None, done
    return model, history, done


def same_bits(a: nn.Module, b: nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[key]) for key, value in a.state_dict().items())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_resumed_training_gives_the_same_bits(tmp_path: Path, change: dict[str, Any]) -> None:
    recipe = changed(change)
    expected, history, _ = run(recipe)
    for stop in (2, 4):  # a second interruption, of the resumed training
        run(recipe, tmp_path, stop_after=stop)
        assert (tmp_path / "checkpoint.json").exists()
    model, resumed_history, done = run(recipe, tmp_path)
    assert done == [4]
    assert resumed_history == history
    assert same_bits(model, expected)
    # the control: the epochs after the interruption do change the weights
    assert not same_bits(run(recipe, None, stop_after=2)[0], expected)
    assert not list(tmp_path.rglob("*"))


def test_without_the_optimizer_state_the_bits_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: comparing weights can fail."""
    expected, _, _ = run(RECIPE)
    run(RECIPE, tmp_path, stop_after=3)
    monkeypatch.setattr(loop.checkpoint, "restore_optimizer", lambda *_: None)
    assert not same_bits(run(RECIPE, tmp_path)[0], expected)


def test_keeping_checkpoints_does_not_change_the_bits(tmp_path: Path) -> None:
    assert same_bits(run(RECIPE)[0], run(RECIPE, tmp_path)[0])


@pytest.mark.parametrize("change", [{"learning_rate": 0.04}, {"augmentation": ("crop",)}, {"epochs": 5}])
def test_a_checkpoint_of_another_recipe_is_ignored(tmp_path: Path, change: dict[str, Any]) -> None:
    run(RECIPE, tmp_path, stop_after=3)
    recipe = changed(change)
    model, _, done = run(recipe, tmp_path)
    assert done[0] == 1
    assert same_bits(model, run(recipe)[0])


def test_a_checkpoint_of_another_seed_is_ignored(tmp_path: Path) -> None:
    run(RECIPE, tmp_path, stop_after=3)
    model, _, done = run(RECIPE, tmp_path, seed=4)
    assert done == [1, 2, 3, 4]
    assert same_bits(model, run(RECIPE, seed=4)[0])


def test_a_checkpoint_of_other_code_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(RECIPE, tmp_path, stop_after=3)
    monkeypatch.setattr(loop, "code_digest", lambda modules: "another state of the sources")
    assert run(RECIPE, tmp_path)[2][0] == 1


def test_the_code_of_network_and_objective_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(loop, "code_digest", lambda modules: asked.append(modules) or "digest")
    run(changed({"epochs": 1}))
    wanted = ("data.images", "models.small_cnn", "objectives.classification", "training.loop")
    assert asked == [tuple(f"reunlearn.{name}" for name in wanted)]


def test_a_killed_discard_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    monkeypatch.setattr(loop.checkpoint.shutil, "rmtree", killed)
    assert run(RECIPE, tmp_path)[1] is None
    left = [p.name for p in tmp_path.iterdir()]
    assert left == ["epoch3.safetensors"]
    monkeypatch.undo()
    assert same_bits(run(RECIPE, tmp_path)[0], run(RECIPE)[0])


def test_only_one_state_is_kept(tmp_path: Path) -> None:
    run(RECIPE, tmp_path, stop_after=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.json", "epoch3.safetensors"]
    assert len(read_json(tmp_path / "checkpoint.json")["history"]) == 3


def test_another_seed_gives_other_bits_and_the_same_seed_the_same() -> None:
    first, again, other = (run(RECIPE, seed=seed)[0] for seed in (3, 3, 4))
    assert same_bits(first, again)
    assert not same_bits(first, other)


def test_divergence_ends_training_early() -> None:
    _, history, _ = run(changed({"learning_rate": 1e30, "epochs": 20, "schedule": "constant"}))
    assert len(history) < 20
    assert not math.isfinite(history[-1]["loss"])
    assert all(math.isfinite(entry["loss"]) for entry in history[:-1])


def test_history_tells_mean_loss_and_rate_of_each_epoch() -> None:
    recipe = changed({"epochs": 1, "batch_size": 50, "schedule": "constant", "augmentation": ()})
    _, history, _ = run(recipe)
    model, batch = fresh(), make_samples(recipe).take(slice(0, 50))
    expected = nn.functional.cross_entropy(model.train()(batch.x), batch.y)
    assert history[0]["loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert (history[0]["epoch"], history[0]["learning_rate"]) == (1, 0.05)


def test_training_lowers_the_loss() -> None:
    _, history, _ = run(changed({"epochs": 15, "augmentation": ()}))
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]


def test_dropout_follows_the_seed_and_nothing_else() -> None:
    first = run(RECIPE, model=dropping())[0]
    torch.rand(3)  # the caller's global state is not read
    assert same_bits(first, run(RECIPE, model=dropping())[0])
    assert not same_bits(first, run(RECIPE, model=dropping(), seed=4)[0])


def test_each_seed_and_each_epoch_draws_for_itself() -> None:
    drawn: list[float] = []
    for seed in (3, 4):
        network = nn.Sequential(Drawing(drawn), fresh())  # the same weights under both seeds
        run(changed({"epochs": 2, "batch_size": 50}), model=network, seed=seed)
    assert len(drawn) == len(set(drawn)) == 4


@pytest.mark.parametrize(
    "change",
    [{"nesterov": True}, {"momentum": 0.5}, {"weight_decay": 0.0}, {"schedule_per": "step"}],
    ids=str,
)
def test_each_of_these_keys_reaches_the_training(change: dict[str, Any]) -> None:
    assert not same_bits(run(changed(change))[0], run(RECIPE)[0])


def test_training_leaves_the_global_state_as_it_was() -> None:
    before = torch.get_rng_state()
    run(RECIPE, model=dropping())
    assert torch.equal(torch.get_rng_state(), before)
    dropping().train()(
        torch.ones(1, 3, 8, 8).repeat(2, 1, 1, 1)
    )  # the control: dropout by itself does move it
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_resumed_training_with_dropout_gives_the_same_bits(tmp_path: Path, stop: int) -> None:
    expected, history, _ = run(RECIPE, model=dropping())
    run(RECIPE, tmp_path, stop_after=stop, model=dropping())
    torch.rand(3)
    model, resumed, done = run(RECIPE, tmp_path, model=dropping())
    assert done[0] == stop  # the checkpoint is written after the report of an epoch
    assert resumed == history
    assert same_bits(model, expected)


def test_with_one_state_for_all_epochs_the_bits_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: what dropout draws in an epoch does change the weights."""
    expected, _, _ = run(RECIPE, model=dropping())
    real = loop.seeded
    monkeypatch.setattr(loop, "seeded", lambda seed, *path, device: real(seed, "epoch", 0, device=device))
    assert not same_bits(run(RECIPE, model=dropping())[0], expected)


def test_mixed_precision_changes_bits_only_where_there_is_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    for able in (False, True):
        monkeypatch.setattr(precision, "has_bfloat16", {torch.device("cpu"): able}.get)
        assert same_bits(*(run(changed({"precision": wanted}))[0] for wanted in ("full", "mixed"))) != able


def test_history_tells_the_first_rate_of_each_epoch() -> None:
    linear = {"schedule": "linear", "schedule_end": 0.1}
    for change, expected in (
        (linear, [1, 0.7, 0.4, 0.1]),
        (linear | {"schedule_per": "step"}, [1 - 0.9 * t / 15 for t in (0, 4, 8, 12)]),
        ({"schedule": "multistep", "milestones": (1, 3)}, [1, 0.1, 0.1, 0.01]),
        ({"schedule": "constant", "warmup_epochs": 2}, [0.5, 1, 1, 1]),
    ):
        rates = [entry["learning_rate"] for entry in run(changed(change))[1]]
        assert rates == pytest.approx([0.05 * share for share in expected], rel=1e-12), change


def test_a_checkpoint_of_other_labels_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(RECIPE, tmp_path, stop_after=3)
    samples = make_samples(RECIPE)
    samples.y[0] = (samples.y[0] + 1) % 4
    monkeypatch.setitem(globals(), "make_samples", lambda recipe: samples)
    assert run(RECIPE, tmp_path)[2][0] == 1
