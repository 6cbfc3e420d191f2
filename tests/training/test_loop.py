"""Training: what a seed decides, divergence, the history."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.training import loop, precision
from tests.training.small_training import (
    RECIPE,
    Drawing,
    changed,
    dropping,
    fresh,
    make_samples,
    run,
    same_bits,
)


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
