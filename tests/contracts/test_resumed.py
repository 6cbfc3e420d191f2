"""Every method that loops goes on where it was killed, to the bits of a run that nobody disturbed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reunlearn.base.files import read_json
from reunlearn.training import checkpoint
from reunlearn.unlearning.progress import Place
from tests.contracts.small_runs import bits, every_method, make_sets, unlearn


class KilledError(Exception):
    """Stands for the end of a process."""


class Keeper:
    """Counts what is kept, and ends the run after some of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.last, self.keep = 0, None, checkpoint.keep
        monkeypatch.setattr(checkpoint, "keep", self)

    def __call__(self, *arguments: Any) -> None:
        self.keep(*arguments)
        self.count += 1
        if self.count == self.last:
            raise KilledError


def run(name: str, reading: str | None, folder: Path, **changes: Any) -> dict[str, Any]:
    """Return all that a run leaves; it keeps its progress after each step or epoch."""
    spent: list[float] = []
    place = Place(folder, "key", [], spent.append, seconds=0.0)
    sets = make_sets(9, 25)
    model, task = unlearn(name, reading, sets, seed=3, log=changes.get("log", ()), place=place)
    return {
        "weights": bits(model),
        "drawn": task.drawn(),
        "generator": task.generator.get_state().tolist(),
        "history": json.dumps(place.history, sort_keys=True),
        "series": {key: array.tolist() for key, array in task.series.arrays().items()},
        "carry": sorted(task.carry),
        "spent": spent,
    }


@every_method
def test_a_killed_run_goes_on_to_the_same_bits(
    name: str, reading: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reunlearn.unlearning.progress.COST", np.inf)
    keeper = Keeper(monkeypatch)
    whole = run(name, reading, tmp_path / "whole", log=("losses",))
    if not keeper.count:
        pytest.skip("it has no loop")
    kept = keeper.count
    for last in {1, (kept + 1) // 2, kept}:
        keeper.count, keeper.last = 0, last
        with pytest.raises(KilledError):
            run(name, reading, tmp_path / f"after{last}", log=("losses",))
        keeper.last = None
        torch.rand(3)
        resumed = run(name, reading, tmp_path / f"after{last}", log=("losses",))
        assert keeper.count == kept, "what was done is not done again"
        assert len(resumed.pop("spent")) == 1
        assert resumed == {key: value for key, value in whole.items() if key != "spent"}


def test_a_checkpoint_of_another_run_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reunlearn.unlearning.progress.COST", np.inf)
    keeper = Keeper(monkeypatch)
    keeper.last = 1
    with pytest.raises(KilledError):
        run("finetune", None, tmp_path)
    place = Place(tmp_path, "another", [], seconds=0.0)
    unlearn("finetune", None, make_sets(9, 25), seed=3, place=place)
    assert len(place.history) == 2
    assert read_json(tmp_path / "checkpoint.json")["key"] == "another"


@pytest.mark.parametrize("damaged", ["checkpoint.json", "*.safetensors"])
def test_a_damaged_checkpoint_is_named_and_the_run_begins_anew(
    damaged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("reunlearn.unlearning.progress.COST", np.inf)
    whole = run("finetune", None, tmp_path / "whole")
    keeper = Keeper(monkeypatch)
    keeper.last = 1
    with pytest.raises(KilledError):
        run("finetune", None, tmp_path / "killed")
    (file,) = (tmp_path / "killed").glob(damaged)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    keeper.last = None
    assert run("finetune", None, tmp_path / "killed") == whole
    assert "cannot be read" in caplog.text
