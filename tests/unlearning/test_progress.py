"""How often a loop is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from reunlearn.training import checkpoint
from reunlearn.unlearning import progress
from reunlearn.unlearning.progress import Place
from reunlearn.unlearning.task import Task
from tests.unlearning.methods.small import CLASSES, Recorder, make_sets


class Clock:
    """A clock that goes on when something is said to take time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def spent(monkeypatch: pytest.MonkeyPatch, folder: Path, step: float, keeping: float) -> tuple[int, float]:
    """Return how often a loop of 10,000 steps is kept, and the share of the time that this takes."""
    clock, kept = Clock(), []

    def keep(*arguments: Any) -> None:
        clock.now += keeping
        kept.append(clock.now)

    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(checkpoint, "keep", keep)
    place = Place(folder, "key", [])
    task = Task(make_sets(), {"retain"}, Recorder(), CLASSES, 0, place=place)
    for _ in task.progress.walk(10_000, nn.Linear(1, 1)):
        clock.now += step
    return len(kept), len(kept) * keeping / clock.now


@pytest.mark.parametrize(("step", "keeping"), [(0.01, 0.1), (0.5, 1.0), (0.5, 60.0), (120.0, 1.0)])
def test_keeping_takes_at_most_three_hundredths(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: float, keeping: float
) -> None:
    count, share = spent(monkeypatch, tmp_path, step, keeping)
    assert count and share <= progress.COST


def test_a_short_loop_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert spent(monkeypatch, tmp_path, 0.005, 0.0)[0] == 0
