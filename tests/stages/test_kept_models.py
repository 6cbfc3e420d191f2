"""A block of a pool that was killed goes on with the models that are left, to the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reunlearn.base.interval import VARIABLE
from reunlearn.metrics.outputs import read_pool
from reunlearn.stages import kept_models, shadow
from tests.stages.test_shadow import Odd, Split, context


class KilledError(Exception):
    """Stands for the end of a process."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "0")


def run(name: str) -> dict[str, Any]:
    """Return what a block of four models leaves."""
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    job = context(folder)
    shadow.run(job)
    return {
        "logits": read_pool([folder]).logits.tolist(),
        "facts": job.facts,
        "seconds": job.stopwatch.seconds,
    }


class Counter:
    """Counts what is kept, and ends the run after some of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.added: list[int] = []
        self.last = 0
        add = kept_models.KeptModels.add

        def counted(kept: kept_models.KeptModels, models: dict[int, Any]) -> None:
            add(kept, models)
            self.added += models
            if self.last and len(self.added) >= self.last:
                raise KilledError

        monkeypatch.setattr(kept_models.KeptModels, "add", counted)


@pytest.mark.parametrize("loader", [Split, Odd])
@pytest.mark.parametrize("last", [1, 3])
def test_what_is_trained_is_not_trained_again(
    loader: type[Split], last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, and in two groups of two."""
    monkeypatch.setattr(shadow, "open_loader", lambda context: loader())
    whole = run("whole")
    counter = Counter(monkeypatch)
    counter.last = last
    with pytest.raises(KilledError):
        run("killed")
    done, counter.added, counter.last = list(counter.added), [], 0
    again = run("killed")
    assert not set(done) & set(counter.added)
    assert sorted(done + counter.added) == [100, 101, 102, 103]
    assert again["logits"] == whole["logits"]
    assert again["facts"] == {**whole["facts"], "resumed": True}


def test_models_of_another_block_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "open_loader", lambda context: Odd())
    counter = Counter(monkeypatch)
    counter.last = 2
    with pytest.raises(KilledError):
        run("killed")
    counter.added, counter.last = [], 0
    monkeypatch.setattr(kept_models, "checkpoint_key", lambda job, read: "another")
    run("killed")
    assert sorted(counter.added) == [100, 101, 102, 103]
