"""A study's finished run folders without any training, gathered by the real stage `aggregate`.

Two experiments, three seeds, eight rows of made-up strength: enough for every part of a report.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.hashing import full_digest
from reunlearn.measures import evaluation
from reunlearn.measures._attack import tables_of
from reunlearn.measures.registry import Measured
from reunlearn.metrics.classification import accuracy, cross_entropy, entropy
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation
from reunlearn.reporting.experiment import OWN_COLUMNS, ExperimentData, Tables, choose
from reunlearn.reporting.study_data import StudyData
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages import aggregate
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.averages import averages_of
from reunlearn.study.cards import Catalogue
from reunlearn.study.catalogue import catalogue
from reunlearn.study.inputs import AggregateInputs, ReportInputs
from reunlearn.study.layout import layout_of
from reunlearn.study.origin import Origin
from reunlearn.study.papers import papers
from reunlearn.study.report_jobs import AggregateJob, ReportJob
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.specs import NOISE_FLOOR, ORIGINAL, RETRAIN, RowSpec, RunSpec
from tests.reporting import cards
from tests.reporting.jobs import finish, finish_measure
from tests.reporting.places import place, training_of

CLASSES, FORGET, TRAIN, TEST = 10, 60, 300, 200
SIZES = {"forget": FORGET, "retain": TRAIN - FORGET, "test": TEST}
ATTACKS = ("shadow_xgboost", "entropy_logistic")
MEASURED = sorted(("evaluation", "comparison", *ATTACKS))  # as a specification file has them
STATE_SECONDS = 7.5


class Strength(NamedTuple):
    """What a row is made of: margin of the forget set's labels in each experiment, seconds, passes over two sets."""

    random: float
    whole_class: float
    seconds: float
    retain: float = 0
    forget: float = 0


CODE = RowSpec(method="gdr_gma", reading="code", label="wide")
REFERENCES = {
    RETRAIN: Strength(3.0, -3.0, 4.0),
    NOISE_FLOOR: Strength(3.0, -3.0, 4.0),
    ORIGINAL: Strength(7.0, 7.0, 5.0),
}
METHODS = {
    RowSpec(method="finetune"): Strength(5.6, 3.0, 0.52, 5, 0),
    RowSpec(method="gradient_ascent"): Strength(-4.0, -6.0, 0.031, 0, 5),
    RowSpec(method="random_labels"): Strength(1.4, -2.0, 0.36, 3, 3),
    RowSpec(method="salun"): Strength(2.2, -2.2, 0.41, 3, 4),
    RowSpec(method="gdr_gma", reading="paper"): Strength(3.4, -2.7, 0.62, 5, 5),
    CODE: Strength(3.9, -2.4, 0.66, 5, 5),
    RowSpec(method="pgu"): Strength(4.4, 0.5, 0.19, 1, 4),
    RowSpec(method="lur"): Strength(3.3, -4.0, 0.48, 4, 4),
}
AVERAGES = averages_of(papers(catalogue()).values())
WITH_STATE = "random_labels"
CARDS = cards.catalogue(
    [
        cards.method(name, **(cards.GDR_GMA if name == "gdr_gma" else {}))
        for name in dict.fromkeys(row.method for row in METHODS)
    ],
    [
        cards.measure("evaluation"),
        cards.measure("comparison"),
        cards.attack(
            "entropy_logistic",
            "MIA entropy",
            "% of the forget set called member",
            headline=("entropy_logistic",),
        ),
        cards.attack("shadow_xgboost", "MIA shadow", "AUC, 0 to 1", pools=("with_forget", "without_forget")),
    ],
)


@dataclass(frozen=True)
class Made:
    """A study that was made, as the stage `report` reads it."""

    study: Study
    tables: StudyTables
    gathered: Gathered
    cards: Catalogue = CARDS

    @property
    def results(self) -> pd.DataFrame:
        """Its tidy results."""
        return self.tables.read()

    def data(self, experiment: str, **changes: Any) -> ExperimentData:
        """Return the data of one experiment; `changes`: tables, `layout` or `cards` to take instead of these."""
        known = {k: v for k, v in changes.items() if k in ("results", *OWN_COLUMNS)}
        if "results" in known:
            known["results"] = known["results"][known["results"]["experiment"] == experiment]
        (wanted,) = (e for e in self.study.experiments if e.name == experiment)
        cards = changes.get("cards", self.cards)
        return choose(
            wanted,
            Tables(self.tables, experiment, known),
            changes.get("layout", layout_of(wanted, cards, experiment)),
            changes.get("gathered", self.gathered),
            cards,
            printed=changes.get("printed", ()),
            averages=AVERAGES,
            forgotten=forgotten(self.study)[experiment],
            origins=changes.get("origins", tuple(Origin(row, "released", "made up") for row in METHODS)),
        )

    def whole(self, *experiments: str, **changes: Any) -> StudyData:
        """Return the data of the whole study, or of some of its experiments; `changes`: as in `data`."""
        names = experiments or tuple(e.name for e in self.study.experiments)
        claims = changes.pop("claims", ())
        layout = layout_of(self.study, self.cards, self.study.name)
        return StudyData([self.data(name, **changes) for name in names], layout, claims)

    def job(self, **changes: Any) -> ReportJob:
        """Return the job of the stage `report`; `changes`: fields of it."""
        fields = {
            "study": self.study,
            "cards": self.cards,
            "whole": layout_of(self.study, self.cards, self.study.name),
            "sections": {e.name: layout_of(e, self.cards, e.name) for e in self.study.experiments},
            "printed": {},
            "averages": {e.name: AVERAGES for e in self.study.experiments},
            "forgotten": forgotten(self.study),
            "inputs": ReportInputs(results=paths.results(self.study.name)),
        }
        return ReportJob("report", paths.report(self.study.name), **(fields | changes))


def study(seeds: int = 3) -> Study:
    """Return the study as the plan hands it to the report."""
    base = {
        "dataset": {"name": "digits", "train": TRAIN},
        "architecture": {"name": "small_cnn", "settings": {"width": 16}},
        "recipe": "digits-sgd",
        "seeds": list(range(seeds)),
        "methods": [{"name": row.method, "reading": row.reading, "label": row.label} for row in METHODS],
        "attacks": list(ATTACKS),
        "shadows": {"with_forget": 8, "without_forget": 8},
    }
    scenarios = {
        "random-0.2": {"kind": "random", "fraction": 0.2},
        "class-3": {"kind": "class", "classes": [3]},
    }
    return Study.model_validate(
        {
            "name": "synthetic",
            "title": "Digits <quick & synthetic>",
            "description": "Made-up numbers for the report's own tests.",
            "experiments": [{**base, "name": name, "scenario": s} for name, s in scenarios.items()],
        }
    )


def forgotten(made: Study) -> dict[str, str]:
    """Return what each experiment forgets, in words, as the plan hands it to the report."""
    return {experiment.name: experiment.scenario.summary for experiment in made.experiments}


def build(
    missing: Collection[str] = (), diverged: Collection[str] = (), seeds: int = 3, device: str = "cpu"
) -> Path:
    """Write run folders below the current directory and aggregate them; return the results folder.

    Args:
        missing: methods whose models of seed 0 have no result; "all" leaves out everything.
        diverged: methods whose model of seed 1 diverged.
        seeds: how many.
        device: on which pgu ran; the others ran on the CPU.
    """
    runs = [
        run_of(experiment, row, seed)
        for experiment in study(seeds).experiments
        for seed in range(seeds)
        for row in (*REFERENCES, *METHODS)
    ]
    for run in runs:
        method, seed = run.row.method, run.seeds.train
        if "all" not in missing and not (method in missing and seed == 0):
            bad = method in diverged and seed == 1
            _write(run, "diverged" if bad else "finished", device if method == "pgu" else "cpu")
    return gather("synthetic", runs)


def make(**options: Any) -> Made:
    """Build the study and read what was gathered."""
    return read(study(options.get("seeds", 3)), build(**options))


def read(made: Study, results: Path, catalogue: Catalogue = CARDS) -> Made:
    """Return what the stage `report` reads of a results folder."""
    return Made(made, StudyTables(results.absolute()), Gathered.read(results), catalogue)


def gather(name: str, runs: list[RunSpec]) -> Path:
    """Let the stage aggregate gather the jobs of some runs; return its folder."""
    folders = dict.fromkeys(
        folder for run in runs for folder in (run.model, *run.state, *run.measured.values())
    )
    folder = Path(paths.results(name))
    job = AggregateJob(
        "aggregate", str(folder), name, tuple(runs), inputs=AggregateInputs(jobs=tuple(folders))
    )
    aggregate.run(Context(job, folder))
    return folder


def run_of(experiment: Experiment, row: RowSpec, seed: int) -> RunSpec:
    training = training_of(experiment)
    folder, model, method = place(experiment, training, row, seed)
    return RunSpec(
        experiment=experiment.name,
        row=row,
        seeds=Seeds(train=seed, split=seed, method=seed),
        scenario=experiment.scenario,
        training=training,
        method=method,
        model=model,
        state=(paths.state(training, "entangled", seed),) if row.method == WITH_STATE else (),
        measured={name: paths.measured(folder, name) for name in MEASURED},
    )


def _write(run: RunSpec, status: str, device: str) -> None:
    """Write model, evaluation, comparison and attacks of one run, as the stages do."""
    strength = (REFERENCES | METHODS)[run.row]
    draw = np.random.default_rng(hash_of(run.measured["evaluation"]))
    margin = strength.random if run.experiment.startswith("random") else strength.whole_class
    outputs = _outputs(draw, margin + draw.normal(0, 0.3), bad=status == "diverged")
    drawn = {"retain": strength.retain * SIZES["retain"], "forget": strength.forget * FORGET}
    facts = {"drawn": {name: count for name, count in drawn.items() if count}} if run.method else {}
    seconds = strength.seconds * draw.uniform(0.9, 1.1)
    stage = {"original": "original", "retrain": "retrained", "noise_floor": "retrained"}
    finish(
        run.model,
        stage.get(run.row.method, "unlearn"),
        seconds=seconds,
        device=device,
        status=status,
        **facts,
    )
    for folder in run.state:
        finish(folder, "state", seconds=STATE_SECONDS)
    finish_measure(run.measured["evaluation"], _evaluation(outputs, status))
    apart = {"d_kl": abs(strength.random - 3.0) + draw.uniform(0, 0.1), "kl_test": 0.1, "js_forget": 0.02}
    finish_measure(run.measured["comparison"], Measured(apart if status == "finished" else {}))
    for name in ATTACKS:
        finish_measure(run.measured[name], _attack(name, outputs, status))


def _outputs(draw: np.random.Generator, forget: float, *, bad: bool) -> Outputs:
    """Return made-up outputs; `forget`: margin of the right class on the forget set."""
    logits, labels = {}, {}
    for name, margin in (("forget", forget), ("retain", 8.0), ("test", 3.1)):
        size = SIZES[name]
        labels_N = draw.integers(0, CLASSES, size)
        logits_NK = draw.normal(0, 1, (size, CLASSES))
        logits_NK[np.arange(size), labels_N] += margin + draw.normal(0, 2.0, size)
        logits[name] = np.full_like(logits_NK, np.nan) if bad else logits_NK
        labels[name] = labels_N
    return Outputs(logits, labels, {name: np.arange(size) for name, size in SIZES.items()})


def _evaluation(outputs: Outputs, status: str) -> Measured:
    losses = {name: cross_entropy(outputs.logits[name], outputs.labels[name]) for name in SIZES}
    entropies = {name: entropy(logits_NK) for name, logits_NK in outputs.logits.items()}
    numbers = {f"accuracy_{name}": accuracy(outputs.logits[name], outputs.labels[name]) for name in SIZES}
    numbers |= {f"loss_{name}": float(losses[name].mean()) for name in ("forget", "test")}
    numbers |= {f"size_{name}": float(size) for name, size in SIZES.items()}
    quantities = {"loss": losses, "entropy": entropies}
    numbers |= evaluation.told_apart(quantities)
    tables = {
        "samples": evaluation.table_of_samples(outputs, quantities),
        "histograms": evaluation.table_of_histograms(quantities),
    }
    tables["classes"] = evaluation.table_of_classes(outputs, {})
    return Measured(numbers, tables=tables, status="diverged" if status == "diverged" else "finished")


def _attack(name: str, outputs: Outputs, status: str) -> Measured:
    member, other = (-entropy(outputs.logits[s]) for s in ("forget", "test"))
    if status == "diverged":
        return Measured({name: None}, tables=tables_of(name, [], []), status="diverged")
    value = 100 * float((member > np.median(other)).mean())
    numbers = {f"{name}.{k}": v for k, v in separation(member, other).items()}
    return Measured({**numbers, f"{name}.threshold": 0.5, name: value}, tables=tables_of(name, member, other))


def hash_of(text: str) -> int:
    """Return a number that names a text, the same in every process."""
    return int(full_digest(text)[:12], 16)
