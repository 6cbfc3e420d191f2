"""One experiment on one set of seeds → its jobs: data, models, unlearning runs, measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reunlearn.study import logs, methods, paths
from reunlearn.study.data_jobs import modules_of, split_job
from reunlearn.study.forget_weights import add_forget_weights
from reunlearn.study.inputs import DataInputs, Folder, SplitInputs, StateInputs, TrainInputs, UnlearnInputs
from reunlearn.study.jobs import GivenJob, StateJob, TrainJob, UnlearnJob
from reunlearn.study.measuring import Measured, Subject
from reunlearn.study.pools import Pools
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.rows import Method, Seeds
from reunlearn.study.sampling import add_samples
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.shadows import Shadows
from reunlearn.study.specs import (
    NOISE_FLOOR,
    ORIGINAL,
    RETRAIN,
    MethodSpec,
    PoisonSpec,
    RowSpec,
    RunSpec,
    TrainingSpec,
)

if TYPE_CHECKING:
    from reunlearn.study.expand import Expansion

FLOOR_SEED = 1000  # the noise floor of method seed u is retrained with seed u + FLOOR_SEED


class SeedExpansion:
    """The jobs of one experiment on one set of seeds; `recipe`: of rows whose original is trained by another one.

    Attributes:
        trained: specification of what is trained here: of Retrain and shadow models in any case.
        training: of the original, and of all that begins with it.
    """

    def __init__(self, experiment: Expansion, seeds: Seeds, recipe: NamedRecipe | None = None) -> None:
        self.whole, self.seeds, self.add = experiment, seeds, experiment.add
        self.names, self.scenarios = experiment.names, experiment.scenarios
        self.data = experiment.add_data()
        self.split_inputs = self._split_inputs()
        self.splits = tuple(
            self._split(name, scenario) for name, scenario in zip(self.names, self.scenarios, strict=True)
        )
        self.trained, self.taught = experiment.training_by(recipe), None
        self.modules = modules_of(self.trained)
        if self.scenarios[-1].POISONS:  # what is taught is the same in all steps
            whole = self.scenarios[-1].model_copy(update={"steps": 1, "step": None})
            poison = PoisonSpec(scenario=whole, split_seed=seeds.split)
            self.trained = self.trained.changed(poison=poison)
            self.taught = self._split(whole.name, whole)
        self.given = experiment.given.of(seeds.train)
        self.training = self.trained.changed(given=self.given.sha256) if self.given else self.trained
        self.pools = self._pools(self.trained, self.taught, self.splits)

    def original_model(self) -> Folder:
        """Add the original, trained or the user's; return its folder."""
        if self.given is None:
            return self.train("original", paths.original(self.training, self.seeds.train), self.seeds.train)
        job = GivenJob(
            "given",
            paths.given(self.training, self.given.sha256),
            self.training,
            self.given.file,
            self.given.sha256,
            self.whole.given.ignore,
            modules=("reunlearn.stages.given", *self.modules),
            memory_mib=self.whole.memory_mib,
            inputs=DataInputs(data=self.data),
        )
        return self.add(job)

    def first_step(self, row: RowSpec, method: MethodSpec) -> Folder:
        """Add a row's run of the first step, and what it needs; return its folder."""
        return self._unlearn(row, method, (), self.original_model(), step=1)[0]

    def runs(self) -> list[RunSpec]:
        """Add all jobs; return the runs, references first."""
        original, add = self._original(), self.whole.measuring.add_run
        retrained = {row: self._retrained(row) for row in self.whole.experiment.references}
        retrain = retrained.get(RETRAIN)
        runs = []
        for row, reference in retrained.items():
            other = next((r for r in retrained.values() if r is not reference), reference)
            runs.append(add(self._subject(row, reference.model, other)))
        runs.append(add(self._subject(ORIGINAL, original, retrain)))
        rows = zip(self.whole.experiment.methods, self.whole.resolved, self.whole.recipes, strict=True)
        for entry, method, recipe in rows:
            start = self if recipe is None else self._from_another(recipe, retrain)
            runs.append(start._method_run(entry, method, retrain))
        return runs

    def _original(self) -> Folder:
        """Add the original; return its folder."""
        original = self.original_model()
        self.original = Measured(self._run_folder(ORIGINAL), original)
        return original

    def _from_another(self, recipe: NamedRecipe, retrain: Measured | None) -> SeedExpansion:
        """Return what adds rows whose original is trained by another recipe; its outputs are there to be read."""
        other = SeedExpansion(self.whole, self.seeds, recipe)
        self.whole.measuring.add_outputs(other._subject(ORIGINAL, other._original(), retrain))
        return other

    def _pools(self, training: TrainingSpec, taught: Folder | None, splits: tuple[Folder, ...]) -> Pools:
        """Return the pools of a training; without splits, only those that belong to no forget set can be added."""
        return Pools(
            self.add,
            training,
            self.whole.experiment.shadows or Shadows(),
            self.data,
            taught,
            modules_of(training),
            splits,
            lambda: self._split(self.names[-1], self.scenarios[-1], swapped=True),
            self.scenarios,
            self.names[-1],
            self.seeds.split,
            self.whole.memory_mib,
        )

    def _split_inputs(self) -> SplitInputs:
        """Add what the scenario READS of trained models: of the experiment's own training, whatever a row's is."""
        reads = self.scenarios[-1].READS
        pools = self._pools(self.whole.training, None, ())
        return SplitInputs(
            data=self.data,
            halves=pools.halves() if "halves" in reads else (),
            weights=add_forget_weights(self) if "weights" in reads else None,
        )

    def _split(self, name: str, scenario: AnyScenario, *, swapped: bool = False) -> Folder:
        dataset, seed = self.whole.dataset, self.seeds.split
        return self.add(split_job(dataset, name, scenario, seed, self.split_inputs, swapped=swapped))

    def train(
        self,
        stage: str,
        folder: Folder,
        seed: int,
        split: Folder | None = None,
        *,
        training: TrainingSpec | None = None,
    ) -> Folder:
        """Add a training; `training`: another one than these runs', on what is true."""
        job = TrainJob(
            stage,
            folder,
            training or self.trained,
            seed,
            modules=(f"reunlearn.stages.{stage}", *modules_of(training or self.trained)),
            memory_mib=self.whole.memory_mib,
            inputs=TrainInputs(data=self.data, taught=None if training else self.taught, split=split),
        )
        return self.add(job)

    def _retrained(self, row: RowSpec) -> Measured:
        seed = self.seeds.method + (FLOOR_SEED if row is NOISE_FLOOR else 0)
        folder = paths.retrained(self.trained, self.names[-1], self.seeds.split, seed)
        return Measured(self._run_folder(row), self.train("retrained", folder, seed, self.splits[-1]))

    def _training_of(self, row: RowSpec) -> TrainingSpec:
        return self.trained if row in (RETRAIN, NOISE_FLOOR) else self.training

    def _run_folder(self, row: RowSpec) -> Folder:
        return paths.run(self._training_of(row), self.names[-1], self.seeds, row)

    def _method_run(self, entry: Method, method: MethodSpec, retrain: Measured | None) -> RunSpec:
        row = methods.row_of(entry)
        card = self.whole.cards.methods[method.name]
        log = logs.logged(entry, method, self.whole.experiment, card)
        model, state = self._unlearn(row, method, log, self.original.model, step=len(self.names))
        return self.whole.measuring.add_run(self._subject(row, model, retrain, method, state))

    def _unlearn(
        self, row: RowSpec, method: MethodSpec, log: tuple[str, ...], original: Folder, *, step: int
    ) -> tuple[Folder, tuple[Folder, ...]]:
        """Add the run of one step, after those of the steps before it; return its folder and those of its state."""
        start = original
        if step > 1:
            start, _ = self._unlearn(row, method, log, original, step=step - 1)
        card = self.whole.cards.methods[method.name]
        state = {
            kind: self._state(kind, method, original, step)
            for kind in methods.state_kinds(card, method.trials[0].settings)
        }
        digest = logs.digest_of(method, log)
        folder = paths.run(self.training, self.names[step - 1], self.seeds, row, digest)
        job = UnlearnJob(
            "unlearn",
            folder,
            self.training,
            self.scenarios[step - 1],
            method,
            self.seeds.method,
            self.whole.result(method.name),
            log,
            modules=(
                "reunlearn.stages.unlearn",
                *self.whole.method_modules(method),
                *self.modules,
                *logs.modules_of(log),
            ),
            memory_mib=self.whole.memory_mib,
            inputs=UnlearnInputs(
                data=self.data,
                taught=self.taught,
                split=self.splits[step - 1],
                original=start,
                state=state,
                choice=self.whole.choices[row] if method.search else None,
            ),
        )
        return self.add(job), tuple(state.values())

    def _state(self, kind: str, method: MethodSpec, original: Folder, step: int) -> Folder:
        """Add training-time state of one kind, of the original alone or also of what a step forgets."""
        per_split = self.whole.cards.states[kind].per_split
        place = (self.names[step - 1], self.seeds.split) if per_split else None
        network = self.whole.cards.methods[method.name].network
        job = StateJob(
            "state",
            paths.state(self.training, kind, self.seeds.train, place),
            self.training,
            kind,
            self.seeds.train,
            self.whole.result(method.name),
            modules=(
                "reunlearn.stages.state",
                f"reunlearn.training.state.{kind}",
                *((f"reunlearn.models.{network}",) if network else ()),
                *self.modules,
            ),
            memory_mib=self.whole.memory_mib,
            inputs=StateInputs(
                data=self.data,
                taught=self.taught,
                original=original,
                split=self.splits[step - 1] if per_split else None,
            ),
        )
        return self.add(job)

    def _subject(
        self,
        row: RowSpec,
        model: Folder,
        reference: Measured | None,
        method: MethodSpec | None = None,
        state: tuple[Folder, ...] = (),
    ) -> Subject:
        """Return a model to be measured, and what its measurements may read."""
        result = self.whole.result(method.name) if method else None
        training = self._training_of(row)
        training = training.changed(architecture=result) if result else training
        modules = self.whole.method_modules(method) if method else ()
        choice = self.whole.choices[row] if method and method.search else None
        samples = add_samples(self, training, model) if self.whole.sampling else None
        return Subject(
            row=row,
            seeds=self.seeds,
            scenario=self.scenarios[-1],
            training=training,
            run=model if method else self._run_folder(row),
            model=model,
            data=self.data,
            split=self.splits[-1],
            modules=modules_of(training, self.training.architecture),
            memory_mib=self.whole.memory_mib,
            reference=reference,
            original=self.original,
            pools=lambda kind: self.pools.of_kind(
                kind, row, method, result=result, modules=modules, choice=choice
            ),
            samples=samples,
            method=method,
            state=state,
            choice=choice,
        )
