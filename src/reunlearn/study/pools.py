"""Pools of shadow models → jobs, in blocks of ten: asking for ten more models trains ten and touches no others.

with_forget: trained on the whole training set; belongs to dataset, network and recipe.
halves: on random halves of training and validation set; belongs to the same.
without_forget: on the retain set; belongs to the forget set, of which a scenario that draws nothing has only one.
unlearned: as with_forget, from the same seeds, then unlearned; belongs to the forget set and the method's settings.
swapped: likewise, but held-out samples and the forget set have changed places: each is the partner of one of unlearned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reunlearn.study import paths
from reunlearn.study.inputs import Folder, ShadowInputs
from reunlearn.study.jobs import Job, PoolMethod, ShadowJob
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.shadows import Shadows
from reunlearn.study.specs import ArchitectureSpec, MethodSpec, RowSpec, TrainingSpec

KINDS = ("with_forget", "without_forget", "halves", "unlearned", "swapped")
BLOCK = 10  # models of a job
WITH_SEED = 10_000  # shadow models start here: above every training seed that a study may name
PER_SPLIT = 1000  # seeds of the pool without_forget of each split
HALVES_SEED = 1_000_000


@dataclass(frozen=True)
class Pools:
    """The pools of one training specification and one forget set; each function adds jobs and returns their folders.

    Attributes:
        add: adds a job to the plan.
        training: specification.
        shadows: how many models of each kind the study wants.
        data, taught: prepared data, and the split that says what a poisoned training was taught.
        modules: of network, objective and data.
        splits, scenarios: of each step up to this one.
        swapped: adds the split in which held-out samples are forgotten.
        name: of the scenario.
        split_seed: of the forget set.
        memory_mib: that a training takes.
    """

    add: Callable[[Job], Folder]
    training: TrainingSpec
    shadows: Shadows
    data: Folder
    taught: Folder | None
    modules: tuple[str, ...]
    splits: tuple[Folder, ...]
    swapped: Callable[[], Folder]
    scenarios: tuple[AnyScenario, ...]
    name: str
    split_seed: int
    memory_mib: int

    @property
    def _place(self) -> str:
        return f"{self.name}/split{self.split_seed}"

    def of_kind(
        self,
        kind: str,
        row: RowSpec,
        method: MethodSpec | None,
        *,
        result: ArchitectureSpec | None = None,
        modules: tuple[str, ...] = (),
        choice: Folder | None = None,
    ) -> tuple[Folder, ...]:
        """Add the pool of a kind that a row's attacks read.

        Args:
            kind: one of KINDS.
            row: of the evaluated model.
            method: of that row; None for references.
            result: the network that the method returns, where it is another than the original's.
            modules: of the method and what it reads.
            choice: folder of the choice of the method's settings.
        """
        if kind == "with_forget":
            return self._with_forget(self.shadows.with_forget)
        if kind == "without_forget":
            first = WITH_SEED + PER_SPLIT * (1 + self.split_seed)
            return self._blocks(kind, self._place, self.shadows.without_forget, first, split=self.splits[-1])
        if kind == "halves":
            return self.halves()
        return self._unlearned(kind, row, method, result=result, modules=modules, choice=choice)

    def halves(self) -> tuple[Folder, ...]:
        """Add the pool of models that learn random halves: it belongs to no forget set."""
        return self._blocks("halves", "", self.shadows.halves, HALVES_SEED)

    def _with_forget(self, count: int) -> tuple[Folder, ...]:
        return self._blocks("with_forget", "", count, WITH_SEED)

    def _unlearned(
        self,
        kind: str,
        row: RowSpec,
        method: MethodSpec | None,
        *,
        result: ArchitectureSpec | None,
        modules: tuple[str, ...],
        choice: Folder | None,
    ) -> tuple[Folder, ...]:
        """Return the models of with_forget after the row's method.

        An original forgets nothing: its pool is with_forget. Retraining is a method, too: its pool is retrained from
        the seeds of with_forget, not from those of without_forget, with which it is compared. Retraining sees the
        retain set alone, which is the same where the others have changed places: so are its models.
        """
        if method is None and row.method != "original":
            place, count = f"{self._place}/retrained-from-with_forget", self.shadows.unlearned
            return self._blocks("without_forget", place, count, WITH_SEED, split=self.splits[-1])
        count, splits = self.shadows.unlearned, self.splits
        if kind == "swapped":
            count, splits = self.shadows.swapped, (self.swapped(),)
        if method is None and kind == "swapped":
            return self._blocks(kind, f"{self._place}/original", count, WITH_SEED, splits=splits)
        if method is None:
            return self._with_forget(count)
        return self._blocks(
            kind,
            f"{self._place}/{row.name}~{method.short}",
            count,
            WITH_SEED,
            splits=splits,
            forgetting=PoolMethod(method, self.scenarios, result),
            modules=("reunlearn.stages.pool_unlearning", *modules),
            choice=choice,
        )

    def _blocks(
        self,
        kind: str,
        place: str,
        count: int,
        seed: int,
        *,
        split: Folder | None = None,
        splits: tuple[Folder, ...] = (),
        forgetting: PoolMethod | None = None,
        modules: tuple[str, ...] = (),
        choice: Folder | None = None,
    ) -> tuple[Folder, ...]:
        """Add the pool's jobs. Which models a job trains also tells which of them it trains at once."""
        folders = []
        inputs = ShadowInputs(data=self.data, taught=self.taught, split=split, splits=splits, choice=choice)
        for first in range(0, count, BLOCK):
            size = min(BLOCK, count - first)
            job = ShadowJob(
                "shadow",
                paths.pool(self.training, kind, place, first, first + size - 1),
                self.training,
                kind,
                first,
                size,
                seed + first,
                forgetting,
                modules=tuple(dict.fromkeys(("reunlearn.stages.shadow", *self.modules, *modules))),
                memory_mib=self.memory_mib,
                inputs=inputs,
            )
            folders.append(self.add(job))
        return tuple(folders)
