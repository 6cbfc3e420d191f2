"""What gathering and reporting the largest study costs: `python benchmarks/report.py [--quick] [1 3 10]`, in seeds.

A study of the shape of GDR-GMA: 4 experiments of 25 rows; each run has the loss and entropy of 10,000 forget and 10,000
test samples, and as many scores of each of 5 attacks. Nothing is trained: a few made-up runs are measured by the real
measures, and every folder links one of them, so that all bytes are read as often as in a real study. The stages
aggregate and report run in a process each. Peak memory is that of the process, its libraries included.

One run on a shared machine of 2 cores, of which each stage used one: 10 seeds, 1,000 runs, 20 million lines of samples
and 100 million of scores: aggregate 42 s and 545 MiB, report 52 s and 733 MiB; 1 seed: 4.7 s, 395 MiB, 45 s, 510 MiB.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from history import Row, options, publish

from reunlearn.base.hashing import full_digest
from reunlearn.measures import evaluation
from reunlearn.measures._attack import tables_of
from reunlearn.measures.registry import Measured
from reunlearn.metrics.classification import accuracy, cross_entropy, entropy
from reunlearn.metrics.outputs import ARRAYS, Outputs
from reunlearn.metrics.separation import separation
from reunlearn.stages import measure
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.inputs import AggregateInputs
from reunlearn.study.jobs import Job
from reunlearn.study.plan import Plan, report_job, write_specifications
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.report_jobs import AggregateJob
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.specs import (
    REFERENCES,
    ArchitectureSpec,
    DatasetSpec,
    MethodSpec,
    ObjectiveSpec,
    RowSpec,
    RunSpec,
    TrainingSpec,
)
from reunlearn.study.stages import read_planned

NAME = "sizes"
EXPERIMENTS, ROWS = 4, 25
SIZES = {"forget": 10_000, "retain": 40_000, "test": 10_000}
SEEDS = (1, 3)
QUICK = {"EXPERIMENTS": 1, "ROWS": 4, "SIZES": {"forget": 200, "retain": 400, "test": 200}, "TEMPLATES": 2}
ATTACKS = ("entropy_logistic", "confidence_svc", "svc_entropy", "svc_probability", "loss_logistic_cv")
TEMPLATES = 6  # made-up runs that are linked
STAGES = ("aggregate", "report")


@dataclass(frozen=True)
class Cost:
    """Of one stage."""

    seconds: float
    mib: float


def methods() -> list[RowSpec]:
    """Return the rows of an experiment, without the references."""
    return [RowSpec(method="finetune", label=f"m{n:02}") for n in range(ROWS - len(REFERENCES))]


def study(seeds: int) -> Study:
    """Return the study."""
    base = {
        "dataset": {"name": "cifar10", "train": SIZES["forget"] + SIZES["retain"]},
        "architecture": {"name": "small_cnn"},
        "recipe": "digits-sgd",
        "seeds": list(range(seeds)),
        "methods": [{"name": row.method, "label": row.label} for row in methods()],
        "attacks": list(ATTACKS),
    }
    fractions = {f"random-{n}": {"kind": "random", "fraction": 0.2} for n in range(EXPERIMENTS)}
    experiments = [{**base, "name": name, "scenario": scenario} for name, scenario in fractions.items()]
    return Study.model_validate({"name": NAME, "title": "Sizes", "experiments": experiments})


def template(folder: Path, strength: float) -> None:
    """Write the measurements of one made-up run; `strength`: how much surer it is on forget than on test."""
    draw = np.random.default_rng(round(100 * strength))
    labels = {name: draw.integers(0, 10, size) for name, size in SIZES.items()}
    logits = {name: draw.normal(0, 1, (size, 10)) for name, size in SIZES.items()}
    for name, margin in (("forget", 3 + strength), ("retain", 8.0), ("test", 3.0)):
        margins_N = margin + draw.normal(0, 2, SIZES[name])
        logits[name][np.arange(SIZES[name]), labels[name]] += margins_N
    outputs = Outputs(logits, labels, {name: np.arange(size) for name, size in SIZES.items()})
    losses = {name: cross_entropy(logits[name], labels[name]) for name in SIZES}
    quantities = {"loss": losses, "entropy": {name: entropy(logits[name]) for name in SIZES}}
    numbers = {f"accuracy_{name}": accuracy(logits[name], labels[name]) for name in SIZES}
    numbers |= {f"size_{name}": float(size) for name, size in SIZES.items()}
    numbers |= evaluation.told_apart(quantities)
    tables = {
        "samples": evaluation.table_of_samples(outputs, quantities),
        "histograms": evaluation.table_of_histograms(quantities),
        "classes": evaluation.table_of_classes(outputs, {}),
    }
    write(folder / "evaluation", Measured(numbers, tables=tables))
    member, other = -losses["forget"], -losses["test"]
    separated = separation(member, other)
    for attack in ATTACKS:
        numbers = {f"{attack}.{name}": value for name, value in separated.items()} | {attack: 60.0}
        write(folder / attack, Measured(numbers, tables=tables_of(attack, member, other)))


def write(folder: Path, measured: Measured) -> None:
    """Write a measurement."""
    folder.mkdir(parents=True)
    measure.write(folder, measured)


def run_of(experiment: Experiment, row: RowSpec, seed: int) -> RunSpec:
    """Return a run of the study."""
    training = TrainingSpec(
        dataset=DatasetSpec(name="cifar10", modality="images"),
        architecture=ArchitectureSpec(name="small_cnn"),
        recipe=NamedRecipe(name="digits-sgd", epochs=1, batch_size=1, learning_rate=1.0),
        objective=ObjectiveSpec(name="classification"),
    )
    seeds = Seeds(train=seed, split=seed, method=seed)
    method = None if row in REFERENCES else MethodSpec(name=row.method, settings={"epochs": 5})
    folder = paths.run(training, experiment.name, seeds, row, method)
    return RunSpec(
        experiment=experiment.name,
        row=row,
        seeds=seeds,
        scenario=experiment.scenario,
        training=training,
        method=method,
        model=folder,
        measured={name: paths.measured(folder, name) for name in sorted(("evaluation", *ATTACKS))},
    )


def finish(folder: Path, stage: str, seconds: float) -> None:
    """Write what says that a job is done; not by the stages' own writer, which waits for the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "seconds": {"run": seconds, "total": seconds},
        "peak_memory_mib": 400.0,
        "device": "cpu",
        "processor": "A processor",
        "threads": 1,
        "versions": {"python": "3.11"},
        "git": {"commit": "0" * 40, "dirty": False},
        "host": "here",
        "finished": "2026-01-01T00:00:00+00:00",
        "command": ["reunlearn", stage],
        "status": "finished",
    }
    manifest = {
        "format": 1,
        "specification": full_digest(str(folder)),
        "code": "code",
        "inputs": {},
        "outputs": {},
    }
    (folder / paths.SPECIFICATION).write_text(json.dumps({"stage": stage}))
    (folder / paths.RECORD).write_text(json.dumps(record))
    (folder / paths.MANIFEST).write_text(json.dumps(manifest))


def make(seeds: int, templates: Path) -> int:
    """Write a study's folders below the current one; return the lines of samples and scores."""
    made, draw = study(seeds), np.random.default_rng(0)
    runs = [
        run_of(experiment, row, seed)
        for experiment in made.experiments
        for seed in range(seeds)
        for row in (*REFERENCES, *methods())
    ]
    for number, run in enumerate(runs):
        finish(Path(run.model), "unlearn", draw.uniform(1, 60))
        for name, place in run.measured.items():
            source = templates / str(number % TEMPLATES) / name
            finish(Path(place), "measure", 1.0)
            os.link(source / ARRAYS, Path(place) / ARRAYS)
            numbers = json.loads((source / measure.NUMBERS).read_text())
            shifted = {k: v if k.startswith("size") else v + draw.normal(0, 1e-3) for k, v in numbers.items()}
            (Path(place) / measure.NUMBERS).write_text(json.dumps(shifted))
    write_specifications(jobs_of(made, runs))
    return len(runs) * (SIZES["forget"] + SIZES["test"]) * (1 + len(ATTACKS))


def jobs_of(made: Study, runs: list[RunSpec]) -> list[Job]:
    """Return the two jobs that are measured."""
    folders = dict.fromkeys(folder for run in runs for folder in (run.model, *run.measured.values()))
    results = paths.results(NAME)
    return [
        AggregateJob("aggregate", results, NAME, tuple(runs), inputs=AggregateInputs(jobs=tuple(folders))),
        report_job(Plan(made, NAME, runs=runs), catalogue(), results),
    ]


def run_stage(folder: str) -> None:
    """Run a job's stage in this process and print seconds and MiB."""
    job = read_planned(folder)
    begin = time.perf_counter()
    import_module(f"reunlearn.stages.{job.stage}").run(Context(job, Path(folder)))
    print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def cost(folder: str) -> Cost:
    """Run a job's stage in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--stage", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(*map(float, done.stdout.split()[-2:]))


def measured(seeds: int, templates: Path) -> list[Row]:
    """Return what both stages cost with so many seeds; the study is made below the current folder."""
    lines = make(seeds, templates)
    rows = []
    for stage, folder in zip(STAGES, (paths.results(NAME), paths.report(NAME)), strict=True):
        found = cost(folder)
        details = {"million lines": lines / 1e6, "MiB": found.mib}
        rows.append(Row(f"{stage}, {seeds} seed{'s' * (seeds > 1)}", found.seconds, "s", details=details))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--stage", help="a job's folder, whose stage is run in this process")
    asked = parser.parse_args(arguments)
    if asked.stage:
        run_stage(asked.stage)
        return
    if asked.quick:
        globals().update(QUICK)
    rows, before = [], Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        templates = Path(place) / "templates"
        for number in range(TEMPLATES):
            template(templates / str(number), number / TEMPLATES)
        for seeds in asked.seeds or ((1,) if asked.quick else SEEDS):
            with tempfile.TemporaryDirectory(dir=place) as folder:
                os.chdir(folder)
                try:
                    rows += measured(seeds, templates)
                finally:
                    os.chdir(before)
    publish("report", rows, asked.quick)


if __name__ == "__main__":
    main()
