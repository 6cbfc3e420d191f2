"""Training that is interrupted: the same bits; checkpoints of other trainings ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from reunlearn.base.files import read_json
from reunlearn.training import checkpoint, loop
from tests.training import small_training
from tests.training.small_training import (
    CHANGES,
    RECIPE,
    KilledError,
    changed,
    dropping,
    make_samples,
    run,
    same_bits,
)


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
    # what came last is left until the job's outputs are in their place: a full disk loses an epoch, no training
    assert run(recipe, tmp_path)[2] == [4]


def test_without_the_optimizer_state_the_bits_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: comparing weights can fail."""
    expected, _, _ = run(RECIPE)
    run(RECIPE, tmp_path, stop_after=3)
    monkeypatch.setattr(checkpoint, "restore_optimizer", lambda *_: None)
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
    wanted = (
        "data.images",
        "models.small_cnn",
        "objectives.classification",
        "training.engines.eager",
        "training.loop",
    )
    assert asked == [tuple(f"reunlearn.{name}" for name in wanted)]


def test_a_killed_discard_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    run(RECIPE, tmp_path)
    monkeypatch.setattr(checkpoint.shutil, "rmtree", killed)
    with pytest.raises(KilledError):
        checkpoint.discard(tmp_path)
    left = [p.name for p in tmp_path.iterdir()]
    assert left == ["epoch3.safetensors"]
    monkeypatch.undo()
    assert same_bits(run(RECIPE, tmp_path)[0], run(RECIPE)[0])


def test_only_one_state_is_kept(tmp_path: Path) -> None:
    run(RECIPE, tmp_path, stop_after=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.json", "epoch3.safetensors"]
    assert len(read_json(tmp_path / "checkpoint.json")["histories"][0]) == 3


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_resumed_training_with_dropout_gives_the_same_bits(tmp_path: Path, stop: int) -> None:
    expected, history, _ = run(RECIPE, model=dropping())
    run(RECIPE, tmp_path, stop_after=stop, model=dropping())
    torch.rand(3)
    model, resumed, done = run(RECIPE, tmp_path, model=dropping())
    assert done[0] == stop  # the checkpoint is written after the report of an epoch
    assert resumed == history
    assert same_bits(model, expected)


def test_a_checkpoint_of_other_labels_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(RECIPE, tmp_path, stop_after=3)
    samples = make_samples(RECIPE)
    samples.y[0] = (samples.y[0] + 1) % 4
    monkeypatch.setattr(small_training, "make_samples", lambda recipe: samples)
    assert run(RECIPE, tmp_path)[2][0] == 1
