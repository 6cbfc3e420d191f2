"""Methods whose steps a CUDA graph may play: what a graph does, the tensor operations of one step over and over, gives
the bits of their ordinary steps. Here a recorder plays; a GPU is not needed."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from reunlearn.training import optimizers
from reunlearn.unlearning import steps, task
from reunlearn.unlearning.progress import Place
from tests.contracts.small_runs import bits, every_method, make_sets, network, unlearn
from tests.training.engines.recording import recorded

NOTED = ("losses", "lambda")
# losses of 9 forget and 25 retain samples in batches of 8: full ones and a smaller last one
SIZES = (9, 25)


@pytest.fixture(autouse=True)
def _fused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let optimizers be fused, as they are on a GPU: the others read their rate in Python."""
    plain = optimizers._unclipped
    monkeypatch.setattr(optimizers, "_unclipped", lambda settings, own, _: plain(settings, own, True))


def run(name: str, reading: str | None, place: Path) -> dict[str, Any]:
    """Return all that a run leaves."""
    kept = Place(place, "key", [], seconds=1e9)
    model, given = unlearn(name, reading, make_sets(*SIZES), seed=3, log=NOTED, place=kept)
    return {
        "weights": bits(model),
        "drawn": given.drawn(),
        "history": json.dumps(kept.history, sort_keys=True),
        "series": {key: array.tolist() for key, array in given.series.arrays().items()},
        "engine": given.engine,
    }


@every_method
def test_steps_that_are_played_give_the_bits_of_ordinary_ones(
    name: str, reading: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = run(name, reading, tmp_path)
    if not ordinary.pop("engine"):
        pytest.skip("it takes its steps for itself")
    monkeypatch.setattr(task, "choose", lambda *asked, **more: steps.GRAPHED)
    monkeypatch.setattr(steps, "captured", recorded)
    played = run(name, reading, tmp_path)
    assert played.pop("engine") == {"engine": "graphed"}
    assert played == ordinary


def weights_after(way: steps.Way, baked: bool, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the weights after three steps whose losses have weights: numbers of Python (`baked`), or tensors."""
    monkeypatch.setattr(steps, "captured", recorded)
    model, weight = network(0).train(), 0.0
    batch = make_sets(*SIZES)["forget"].take(slice(0, 8))
    settings = optimizers.torch.optim.SGD(model.parameters(), 0.1, fused=True)

    def losses(batch: Any, given: torch.Tensor) -> torch.Tensor:
        return (weight if baked else given) * model(batch.x).square().mean()

    take = steps.Steps(model, settings, losses, way)
    for weight in (1.0, 2.0, 3.0):
        take(batch, torch.tensor(weight))
    return bits(model)


def test_a_number_that_python_changes_is_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above, and why such numbers come in as arguments."""
    after = functools.partial(weights_after, monkeypatch=monkeypatch)
    assert after(steps.GRAPHED, baked=True) != after(steps.Way(), baked=True)
    assert (
        after(steps.GRAPHED, baked=False) == after(steps.Way(), baked=False) == after(steps.Way(), baked=True)
    )
