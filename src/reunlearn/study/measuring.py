"""One run → its measurements: which measures apply, what each reads, which code each runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reunlearn.base.errors import UserError, near
from reunlearn.base.hashing import short_digest
from reunlearn.study import paths
from reunlearn.study.cards import Catalogue, MeasureCard
from reunlearn.study.inputs import Folder, MeasureInputs
from reunlearn.study.jobs import Job, MeasureJob
from reunlearn.study.plugin_settings import check_plugin_settings
from reunlearn.study.rows import Seeds
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import MeasureSpec, MethodSpec, RowSpec, RunSpec, TrainingSpec
from reunlearn.study.user_files import files_of

OUTPUTS = "evaluation"  # the measure that leaves a model's outputs
NETWORK_MIB = 1500  # more for a large network that a measure brings, and its features
ARRAYS_MIB = 1500  # of a measurement that reads arrays only: libraries, and outputs of a large test set


@dataclass(frozen=True)
class Measured:
    """A run that others are compared with: its folder and its model's."""

    run: Folder
    model: Folder

    @property
    def outputs(self) -> Folder:
        """Folder of its outputs."""
        return paths.measured(self.run, OUTPUTS)


@dataclass(frozen=True)
class Subject:
    """A model to be measured, and what its measurements may read.

    Attributes:
        row, seeds, scenario: of the run.
        training: of the model; its network is the one that the model has.
        model: folder of its weights.
        data, split: folders; see `jobs.MeasureInputs`.
        modules: of its network, objective and data.
        memory_mib: that its evaluation takes.
        reference: Retrain; the noise floor where the run is Retrain's own; None where there is none.
        original: the run of the original; None where there is none.
        pools: gives the blocks of a pool by its kind.
        samples: folder of what the model draws, where it is a generator.
        method: of the row; None for references.
        state: folders of the training-time state that the method read.
        choice: folder of the choice of its settings, where they are searched.
    """

    row: RowSpec
    seeds: Seeds
    scenario: AnyScenario
    training: TrainingSpec
    run: Folder
    model: Folder
    data: Folder
    split: Folder
    modules: tuple[str, ...]
    memory_mib: int
    reference: Measured | None
    original: Measured | None
    pools: Callable[[str], tuple[Folder, ...]]
    samples: Folder | None = None
    method: MethodSpec | None = None
    state: tuple[Folder, ...] = ()
    choice: Folder | None = None


@dataclass(frozen=True)
class Judge:
    """The network that says what samples show: its training, the folder of its weights, where its code starts."""

    training: TrainingSpec
    model: Folder
    modules: tuple[str, ...]


class Measuring:
    """Adds the measurements of an experiment's runs to a plan; `judge`: of what generators draw."""

    def __init__(
        self,
        add: Callable[[Job], Folder],
        experiment: Experiment,
        cards: Catalogue,
        where: str,
        judge: Judge | None = None,
    ) -> None:
        self.add, self.experiment, self.cards, self.judge = add, experiment, cards, judge
        self.measures = chosen(experiment, cards, where)
        self.pool_kinds = {kind for spec in self.measures for kind in cards.measures[spec.name].pools}

    def add_run(self, subject: Subject) -> RunSpec:
        """Add every measurement of a run and return the run."""
        measured = {spec.name: self.add(self._job(spec, subject)) for spec in self.measures}
        return RunSpec(
            experiment=self.experiment.name,
            row=subject.row,
            seeds=subject.seeds,
            scenario=subject.scenario,
            training=subject.training,
            method=subject.method,
            model=subject.model,
            samples=subject.samples,
            state=subject.state,
            measured=measured,
            choice=subject.choice,
        )

    def add_outputs(self, subject: Subject) -> None:
        """Add what holds a model's outputs, of a model that is no row, if a measurement of a row reads them."""
        if any("original" in self.cards.measures[spec.name].reads for spec in self.measures):
            for spec in self.measures:
                if spec.name == OUTPUTS:
                    self.add(self._job(spec, subject))

    def _job(self, spec: MeasureSpec, subject: Subject) -> MeasureJob:
        card = self.cards.measures[spec.name]
        training: TrainingSpec | None = None
        modules: tuple[str, ...] = ()
        if "network" in card.reads:
            training, modules = subject.training, subject.modules
        elif "classifier" in card.reads and self.judge:
            training, modules = self.judge.training, self.judge.modules
        inputs = self._inputs(card, subject)
        return MeasureJob(
            "measure",
            paths.measured(subject.run, spec.name, besides(spec, inputs)),
            spec,
            training,
            subject.seeds.method if "network" in card.reads else 0,
            modules=modules_of(spec.name, card.attack, modules, judged="classifier" in card.reads),
            memory_mib=(subject.memory_mib if training else ARRAYS_MIB)
            + (NETWORK_MIB if _brings_weights(card) else 0),
            inputs=inputs,
        )

    def _inputs(self, card: MeasureCard, subject: Subject) -> MeasureInputs:
        """Return the folders that a measure's card asks for. A run is not compared with itself."""
        reads, outputs = card.reads, paths.measured(subject.run, OUTPUTS)
        reference, original = subject.reference, subject.original
        if reference and not card.attack and reference.run == subject.run:
            reference = None
        network, weights, judged = "network" in reads, "weights" in reads, "classifier" in reads
        kinds = [*card.pools]
        if card.optional_pools and set(card.optional_pools) <= self.pool_kinds:
            kinds += card.optional_pools
        return MeasureInputs(
            data=subject.data if network or judged else None,
            split=subject.split if network or judged else None,
            model=subject.model if network or weights else None,
            outputs=outputs if "outputs" in reads else None,
            reference=reference.outputs if reference and "reference" in reads else None,
            reference_model=reference.model if reference and weights else None,
            original=original.outputs if original and "original" in reads else None,
            original_model=original.model if original and weights else None,
            pools={kind: subject.pools(kind) for kind in kinds},
            samples=subject.samples if "samples" in reads else None,
            classifier=self.judge.model if judged and self.judge else None,
        )


def besides(spec: MeasureSpec, inputs: MeasureInputs) -> str | None:
    """Return a digest of what a measurement reads besides the run's own model and data; None of one that reads nothing.

    Two studies may measure a run with other settings, pools, samples or references: each has a folder of its own.
    """
    read = {
        "settings": spec.settings,
        "files": spec.files,
        "pools": inputs.pools,
        "others": {
            role: folder
            for role in (
                "reference",
                "reference_model",
                "original",
                "original_model",
                "samples",
                "classifier",
            )
            if (folder := getattr(inputs, role))
        },
    }
    return short_digest(read) if any(read.values()) else None


@functools.lru_cache(maxsize=1024)
def modules_of(
    measure: str, attack: bool, network_modules: tuple[str, ...], judged: bool = False
) -> tuple[str, ...]:
    """Return where the code of a measurement starts.

    Args:
        measure: name.
        attack: whether it is one.
        network_modules: of the network that it reads; none where it reads none.
        judged: whether that is the network that says what samples show.
    """
    modules = ["reunlearn.stages.measure", f"reunlearn.{'attacks' if attack else 'measures'}.{measure}"]
    if attack:
        modules.append("reunlearn.measures._attack")
    if network_modules:
        modules += [f"reunlearn.stages.{'judged' if judged else 'subject'}", *network_modules]
    return tuple(dict.fromkeys(modules))


def chosen(experiment: Experiment, cards: Catalogue, where: str) -> list[MeasureSpec]:
    """Return what is measured on every run of an experiment: defaults, what it names, attacks; in this order.

    Raises:
        UserError: a measure is unknown, has other settings, or asks for what the objective does not give.
    """
    objective = cards.objectives[objective_of(experiment, cards)]
    given = {"samples": experiment.sampling, "classifier": experiment.classifier}
    defaults = [
        card
        for card in cards.measures.values()
        if card.default
        and set(card.capabilities) <= set(objective.capabilities)
        and all(given.get(role, True) for role in card.reads)
    ]
    specs = {card.name: MeasureSpec(name=card.name, settings=card.settings) for card in defaults}
    for entry in experiment.measures:
        card = _known(entry.name, cards.measures, f"{where}: measure")
        check_plugin_settings(entry.settings, card.settings, f"{where}: measure '{card.name}'")
        settings = {**card.settings, **entry.settings}
        files = files_of(card, settings, f"{where}: measure '{card.name}'")
        specs[card.name] = MeasureSpec(name=card.name, settings=settings, files=files)
    if not specs and not experiment.attacks:
        raise UserError(
            f"{where}: nothing is measured of this generator; add 'sampling' and 'classifier', or 'measures'"
        )
    for name in experiment.attacks:
        specs[name] = MeasureSpec(name=_known(name, cards.attacks, f"{where}: attack").name)
    for name in specs:
        lacking = sorted(set(cards.measures[name].capabilities) - set(objective.capabilities))
        if lacking:
            raise UserError(
                f"{where}: '{name}' asks for {', '.join(lacking)}, which the objective '{objective.name}' does not give"
            )
        if absent := [role for role in cards.measures[name].reads if not given.get(role, True)]:
            verb = (
                "reads samples; add 'sampling'"
                if "samples" in absent
                else "asks a classifier; add 'classifier'"
            )
            raise UserError(f"{where}: '{name}' {verb}")
        kinds = cards.measures[name].scenarios
        if kinds is not None and experiment.scenario.kind not in kinds:
            raise UserError(
                f"{where}: '{name}' is for {' and '.join(kinds)}, not for scenario '{experiment.scenario.kind}'"
            )
    return list(specs.values())


def objective_of(experiment: Experiment, cards: Catalogue) -> str:
    """Return the name of the experiment's objective: the classification of its modality unless it names one."""
    if experiment.objective is not None:
        return experiment.objective.name
    return {"images": "classification", "text": "text"}[cards.datasets[experiment.dataset.name].modality]


def _brings_weights(card: MeasureCard) -> bool:
    return any(file.layers for file in card.files.values())


def _known(name: str, cards: Mapping[str, MeasureCard], who: str) -> MeasureCard:
    if name not in cards:
        raise UserError(f"{who} '{name}' does not exist; {near(name, cards)}")
    return cards[name]
