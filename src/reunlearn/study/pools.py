"""Pools of shadow models → jobs, in blocks of ten: asking for ten more models trains ten and touches no others.

with_forget: trained on the whole training set; belongs to dataset, architecture and recipe.
halves: on random halves of training and validation set; belongs to the same.
without_forget: on what is retained; belongs to the forget set.
unlearned: as with_forget, from the same seeds, then unlearned; belongs to the forget set and the method's settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reunlearn.base.hashing import short_digest
from reunlearn.study import paths

KINDS = ("with_forget", "without_forget", "halves", "unlearned")
BLOCK = 10  # models of a job
WITH_SEED = 10_000  # shadow models start here: never the seed of an original or retrained model
PER_SPLIT = 1000  # seeds of the pool without_forget of each split
HALVES_SEED = 1_000_000


@dataclass(frozen=True)
class Pools:
    """The pools of one training specification and one forget set; each function adds jobs and returns their folders.

    Attributes:
        add: the plan's.
        training: specification.
        counts: models by kind.
        inputs: prepared data and, for a poisoned training, the split that says what was taught.
        plugins: modules of network and objective.
        splits: of each step up to this one.
        scenarios: specification of each step up to this one.
        name: of the scenario.
        split_seed: of the forget set.
    """

    add: Callable[..., str]
    training: dict[str, Any]
    counts: dict[str, int]
    inputs: dict[str, Any]
    plugins: tuple[str, ...]
    splits: list[str]
    scenarios: list[dict[str, Any]]
    name: str
    split_seed: int

    @property
    def _place(self) -> str:
        return f"{self.name}/split{self.split_seed}"

    def with_forget(self, count: int | None = None) -> list[str]:
        """Models trained on everything."""
        return self._blocks("with_forget", "", count or self.counts["with_forget"], WITH_SEED, {}, {})

    def without_forget(self) -> list[str]:
        """Models trained on what is retained."""
        first = WITH_SEED + PER_SPLIT * (1 + self.split_seed)
        return self._blocks(
            "without_forget", self._place, self.counts["without_forget"], first, {}, self._retained
        )

    def halves(self) -> list[str]:
        """Models trained on random halves."""
        return self._blocks("halves", "", self.counts["halves"], HALVES_SEED, {}, {})

    def unlearned(self, row: str, method: dict[str, Any] | None, plugins: tuple[str, ...] = ()) -> list[str]:
        """Models of with_forget that forgot by a row's method.

        An original forgets nothing: its pool is with_forget. Retraining is a method, too: its pool is retrained
        from the seeds of with_forget, not those of without_forget that it is compared with.

        Args:
            row: its name.
            method: its specification, with the architecture of what it returns; None for these two.
            plugins: modules of the method, and of the networks that it knows.
        """
        count = self.counts["unlearned"]
        if method is None and row == "original":
            return self.with_forget(count)
        if method is None:
            place = f"{self._place}/retrained-from-with_forget"
            return self._blocks("without_forget", place, count, WITH_SEED, {}, self._retained)
        of = f"{self._place}/{row}~{short_digest(method['method'])}"
        spec = {**method, "scenarios": self.scenarios}
        more = ("reunlearn.stages.method_run", *plugins)
        return self._blocks("unlearned", of, count, WITH_SEED, spec, {"splits": self.splits}, more)

    @property
    def _retained(self) -> dict[str, str]:
        return {"split": self.splits[-1]}

    def _blocks(
        self,
        kind: str,
        of: str,
        count: int,
        seed: int,
        spec: dict[str, Any],
        inputs: dict[str, Any],
        plugins: tuple[str, ...] = (),
    ) -> list[str]:
        """Add the pool's jobs. What a job says it trains also tells which models it trains at once."""
        folders = []
        for first in range(0, count, BLOCK):
            size = min(BLOCK, count - first)
            about = {"training": self.training, "kind": kind, "first": first, "count": size}
            folder = paths.pool(self.training, kind, of, first, first + size - 1)
            content = {**about, "first_seed": seed + first, **spec}
            modules = tuple(dict.fromkeys((*self.plugins, *plugins)))
            folders.append(self.add("shadow", folder, content, {**self.inputs, **inputs}, modules))
        return folders
