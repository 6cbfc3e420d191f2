"""Finished models of a pool, kept while its job goes on: an interrupted job does not make them again."""

from __future__ import annotations

import time
from pathlib import Path

from torch import nn

from reunlearn.base.files import write_json
from reunlearn.base.interval import checkpoint_seconds
from reunlearn.stages.checkpoint_key import checkpoint_key
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.jobs import ShadowJob
from reunlearn.study.stages import followed
from reunlearn.training import checkpoint
from reunlearn.training.tensor_files import load_model, save_model


class KeptModels:
    """The models of a block that are done.

    Args:
        context: of the job; its record gets the seconds that an interrupted run spent.
        name: of what was done to the models, a section of the stopwatch too.
    """

    def __init__(self, context: Context[ShadowJob], name: str) -> None:
        job = context.job
        self._folder = paths.checkpoint(job.folder) / name
        self._key = checkpoint_key(job, followed(job))
        facts = checkpoint.begin(self._folder, self._key)
        self._done: list[int] = facts.get("done", [])
        self._spent: float = facts.get("seconds", 0.0)
        if self._done:
            context.resumed(self._spent, name)
        self._waiting: dict[int, nn.Module] = {}
        self._seconds = checkpoint_seconds()
        self._began = self._kept_at = time.monotonic()

    def __contains__(self, seed: int) -> bool:
        return seed in self._done

    def load(self, seed: int, model: nn.Module) -> nn.Module:
        """Return the network with the weights of a model that is done."""
        return load_model(model, self._file(seed))

    def add(self, models: dict[int, nn.Module]) -> None:
        """Note models by their seeds, and keep all that wait when it is time."""
        self._waiting |= models
        now = time.monotonic()
        if now - self._kept_at < self._seconds:
            return
        for seed, model in self._waiting.items():
            save_model(model, self._file(seed))
        self._done += self._waiting
        self._waiting = {}
        content = {"key": self._key, "done": self._done, "seconds": self._spent + now - self._began}
        write_json(self._folder / checkpoint.FILE, content)
        self._kept_at = time.monotonic()

    def _file(self, seed: int) -> Path:
        return self._folder / f"{seed}{checkpoint.SUFFIX}"
