"""An audit of a user's own model → a plan: its models are given, what is measured on them is a study's.

All that can be wrong but weights is refused here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.base.hashing import sha256
from reunlearn.base.yaml_files import parse_yaml
from reunlearn.study import checks, memory, paths
from reunlearn.study.architectures import Architecture
from reunlearn.study.cards import Catalogue, DatasetCard, MeasureCard, Value
from reunlearn.study.data_jobs import modules_of, prepare_job, split_job
from reunlearn.study.datasets import resolve_dataset
from reunlearn.study.inputs import DataInputs, Folder, SplitInputs
from reunlearn.study.jobs import GivenJob
from reunlearn.study.load import load_recipe, parse
from reunlearn.study.measuring import Measured, Measuring, Subject, objective_of
from reunlearn.study.own_networks import with_own_networks
from reunlearn.study.plan import Plan
from reunlearn.study.pretrained import specification_of
from reunlearn.study.recipes import NO_RECIPE, no_recipe
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.specs import (
    NOISE_FLOOR,
    ORIGINAL,
    RETRAIN,
    ObjectiveSpec,
    RowSpec,
    TrainingSpec,
)

NAME = "audit"  # of the one experiment
AUDITED = RowSpec(method="audited")  # the model in question


@dataclass(frozen=True)
class AuditRequest:
    """An audit as it is asked for. Paths are relative to the project's folder."""

    model: str
    architecture: str  # a name, or FILE.py:NAME, then settings such as width=16
    dataset: str
    forget: str
    retain: str | None = None
    references: tuple[str, ...] = ()  # Retrain; every further one is its noise floor
    original: str | None = None
    recipe: str | None = None
    train: int | None = None
    validation: int = 0
    attacks: tuple[str, ...] | None = None  # all that need no shadow models if None
    folder: str | None = None
    side: int | None = None
    threads: int = 1
    output: str | None = None
    ignore: tuple[str, ...] = ()

    @property
    def target(self) -> Path:
        """The folder to write."""
        return Path(self.output or f"{paths.REPORTS}/audits/{Path(self.model).stem}")

    def models(self) -> list[tuple[RowSpec, int, str]]:
        """Return (row, method seed, weights) of every model, references first."""
        rows = [(NOISE_FLOOR, number - 1, file) for number, file in enumerate(self.references) if number]
        retrain = [(RETRAIN, 0, file) for file in self.references[:1]]
        original = [(ORIGINAL, 0, self.original)] if self.original else []
        return [*retrain, *rows, *original, (AUDITED, 0, self.model)]


@dataclass(frozen=True)
class Audit:
    """An audit that can begin.

    Attributes:
        request: as it was asked for.
        plan: its jobs and runs.
        experiment: it, in the form of a study's.
        training: the specification that the stages read data and networks by.
        data: card of the dataset.
        left_out: attacks that do not run, with what they need.
        notes: sentences on files that hold the same weights.
    """

    request: AuditRequest
    plan: Plan
    experiment: Experiment
    training: TrainingSpec
    data: DatasetCard
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def plan_audit(request: AuditRequest, cards: Catalogue) -> Audit:
    """Return the audit; the first mistake is a UserError."""
    _check_output(request.target)
    architecture = read_architecture(request.architecture)
    for kind, wanted, known in (
        ("dataset", request.dataset, cards.datasets),
        *((("architecture", architecture.name, cards.models),) if not architecture.file else ()),
    ):
        if wanted not in known:
            raise UserError(f"no {kind} '{wanted}'; {near(wanted.lower(), known)}")
    attacks, left_out = _attacks(request, cards.attacks)
    if request.retain and request.train:
        raise UserError("--retain lists the samples that stay, --train counts samples; give one of them")
    experiment = _experiment(request, architecture, attacks)
    cards = with_own_networks([experiment], cards, NAME)
    data, dataset = resolve_dataset(experiment.dataset, cards.datasets, NAME)
    checks.check_sizes(experiment, data, NAME)
    recipe = load_recipe(request.recipe) if request.recipe else no_recipe()
    checks.check_network(experiment, cards, data, recipe, NAME)
    objective = objective_of(experiment, cards)
    training = TrainingSpec(
        dataset=dataset,
        architecture=specification_of(architecture, cards.models[architecture.key]),
        recipe=recipe,
        objective=ObjectiveSpec(name=objective, settings=cards.objectives[objective].settings),
        threads=request.threads,
    )
    study = Study(name=NAME, title=f"Audit of {request.model}", experiments=(experiment,))
    digests = {file: sha256(_weights(file)) for _, _, file in request.models()}
    notes = _equal_weights(request, digests)
    audit = Audit(request, Plan(study, study.name), experiment, training, data, left_out, notes)
    _add_jobs(audit, cards, digests)
    return audit


def _equal_weights(request: AuditRequest, digests: Mapping[str, str]) -> tuple[str, ...]:
    """Return a note on each pair of files with the same bytes in two roles; two such references are refused."""
    named = [("--reference", file) for file in request.references]
    named += [("--original", request.original)] if request.original else []
    named += [("--model", request.model)]
    notes = []
    for place, (option, file) in enumerate(named):
        for other_option, other in named[:place]:
            if digests[file] != digests[other]:
                continue
            if option == other_option:
                raise UserError(
                    f"--reference {other} and --reference {file} hold the same weights; two equal references are no "
                    "noise floor: give one of them, or models of different seeds"
                )
            notes.append(
                f"{option} {file} and {other_option} {other} hold the same weights: what is compared between them "
                "is equal by itself."
            )
    return tuple(notes)


def _add_jobs(audit: Audit, cards: Catalogue, digests: dict[str, str]) -> None:
    """Add data, split, models and measurements."""
    plan, training, request = audit.plan, audit.training, audit.request
    scenario = audit.experiment.scenario.resolved().model_copy(update={"audited": True})
    data = plan.add(prepare_job(training.dataset, request.folder))
    split = plan.add(split_job(training.dataset, scenario.name, scenario, 0, SplitInputs(data=data)))
    models = []
    first = {digest: file for file, digest in reversed(digests.items())}  # equal weights are taken in once
    for row, seed, file in request.models():
        digest = digests[file]
        seeds = Seeds(train=0, split=0, method=seed)
        run = paths.run(training, scenario.name, seeds, row, digest[:8])
        given = GivenJob(
            "given",
            paths.given(training, digest),
            training,
            first[digest],
            digest,
            request.ignore,
            modules=("reunlearn.stages.given", *modules_of(training)),
            inputs=DataInputs(data=data),
        )
        models.append((row, seeds, Measured(run, plan.add(given))))
    retrained = [model for row, _, model in models if row in (RETRAIN, NOISE_FLOOR)]
    original = next((model for row, _, model in models if row is ORIGINAL), None)
    measuring = Measuring(plan.add, audit.experiment, cards, NAME)
    for row, seeds, model in models:
        others = [other for other in retrained if other is not model]
        subject = Subject(
            row=row,
            seeds=seeds,
            scenario=scenario,
            training=training,
            run=model.run,
            model=model.model,
            data=data,
            split=split,
            modules=modules_of(training),
            memory_mib=memory.estimate(audit.data, training.recipe),
            reference=others[0] if others else None,
            original=original,
            pools=_no_pool,
        )
        plan.runs.append(measuring.add_run(subject))


def _no_pool(kind: str) -> tuple[Folder, ...]:
    raise ValueError(f"an audit has no pool '{kind}'")


def _weights(file: str) -> Path:
    """Return the path of a file of weights; what it holds is checked when it is taken in."""
    path = Path(file)
    if not path.is_file():
        raise UserError(f"{file}: {'a folder, not a file' if path.is_dir() else 'no such file'} of weights")
    return path


def read_architecture(text: str) -> Architecture:
    """Return an architecture written as `small_cnn width=16`, or `mynet.py:Net width=16`."""
    name, *words = text.split() or [""]
    settings: dict[str, Value] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise UserError(
                f"architecture '{text}': '{word}' is no setting; write name=value, as in width=16"
            )
        settings[key] = parse_yaml(value, f"architecture '{text}', setting '{key}'")
    if "pretrained" in settings:
        raise UserError(f"architecture '{text}': 'pretrained' is for training; the weights are --model's")
    file, _, inner = name.rpartition(":")
    content = {"name": inner, "file": file} if file else {"name": name}
    return parse(Architecture, {**content, "settings": settings}, f"architecture '{text}'")


def _check_output(target: Path) -> None:
    """Refuse a folder in which something lies already, and one that cannot be written."""
    if target.is_dir() and any(target.iterdir()):
        raise UserError(f"{target}: exists and is not empty; choose another --output")
    if target.exists() and not target.is_dir():
        raise UserError(f"{target}: is a file; --output is a folder")
    above = next(folder for folder in target.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"{target}: cannot be made in {above}; choose another --output")


def _attacks(request: AuditRequest, cards: Mapping[str, MeasureCard]) -> tuple[list[str], dict[str, str]]:
    """Return the attacks that run, and why others do not."""
    hindered = {name: why for name, card in cards.items() if (why := _hindrance(card, request))}
    if request.attacks is None:
        pooled = {name for name, card in cards.items() if card.pools}
        wanted = [name for name in cards if name not in hindered]
        return wanted, {name: why for name, why in hindered.items() if name not in pooled}
    for name in request.attacks:
        if name not in cards:
            raise UserError(f"no attack '{name}'; {near(name.lower(), cards)}")
        if name in hindered:
            raise UserError(f"attack '{name}' needs {hindered[name]}")
    if not request.attacks:
        raise UserError("no attack is named; `reunlearn attacks` lists them")
    return list(dict.fromkeys(request.attacks)), {}


def _hindrance(card: MeasureCard, request: AuditRequest) -> str | None:
    """Return what an attack needs that an audit does not have; None if it can run."""
    if card.pools:
        return "shadow models, which only a study trains: write one, with 'shadows', in config/studies"
    if "validation" in card.sets and not request.validation:
        return "held-out samples: --validation says how many of the official training set were held out"
    return None


def _experiment(request: AuditRequest, architecture: Architecture, attacks: list[str]) -> Experiment:
    dataset = {"name": request.dataset, "train": request.train, "validation": request.validation}
    content = {
        "name": NAME,
        "dataset": {**dataset, "folder": request.folder, "side": request.side},
        "architecture": architecture,
        "recipe": request.recipe or NO_RECIPE,
        "scenario": {"kind": "indices", "file": request.forget, "retain": request.retain},
        "seeds": (0,),
        "methods": (AUDITED.method,),
        "attacks": attacks,
        "threads": request.threads,
    }
    return parse(Experiment, content, NAME)
