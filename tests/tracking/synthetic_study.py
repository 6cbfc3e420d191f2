"""A study's finished folders without any training, aggregated by the real aggregate stage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.arrays import write_arrays
from reunlearn.base.files import read_json, write_json
from reunlearn.base.hashing import full_digest
from reunlearn.measures._attack import tables_of
from reunlearn.measures.registry import Measured
from reunlearn.stages import aggregate, track
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.inputs import AggregateInputs, ReportInputs
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.report_jobs import AggregateJob, TrackJob
from reunlearn.study.rows import Seeds
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import (
    ArchitectureSpec,
    DatasetSpec,
    MethodSpec,
    ObjectiveSpec,
    RowSpec,
    RunSpec,
    TrainingSpec,
)
from tests.reporting.jobs import finish, finish_measure

EPOCHS = 3
TRAINING = TrainingSpec(
    dataset=DatasetSpec(name="digits", modality="images", train=40, validation=20),
    architecture=ArchitectureSpec(name="small_cnn", settings={"width": 4}),
    recipe=NamedRecipe(name="tiny", epochs=EPOCHS, batch_size=8, learning_rate=0.05),
    objective=ObjectiveSpec(name="classification"),
)
SCENARIO = read_scenario({"kind": "random", "fraction": 0.25})
GDR_GMA = RowSpec(method="gdr_gma", reading="paper", label="wide")
ROWS: dict[RowSpec, MethodSpec | None] = {
    RowSpec(method="original"): None,
    RowSpec(method="retrain"): None,
    RowSpec(method="finetune"): MethodSpec(name="finetune", settings={"epochs": 5, "learning_rate": 0.01}),
    GDR_GMA: MethodSpec(name="gdr_gma", reading="paper", settings={"epochs": 2}),
}
POINTS = 400  # of each of three series of GDR_GMA: together more than MLflow takes at once


def series(points: int) -> dict[str, np.ndarray]:
    """Return the arrays of three series."""
    return {
        f"lambda{number}.{part}": np.arange(1, points + 1, dtype=kind)
        for number in range(3)
        for part, kind in (("step", np.int32), ("value", np.float32))
    }


FACTS: dict[str, Any] = {
    "versions": {"torch": "2.13.0"},
    "git": {"commit": "c0ffee", "dirty": False},
}
NOON = 1767268800000  # 2026-01-01T12:00:00Z in milliseconds; seed s finishes s minutes later


def finished(minutes: float) -> str:
    """Return a time some minutes after noon, as records have it."""
    return datetime.fromtimestamp(NOON / 1000 + 60 * minutes, UTC).isoformat()


class SyntheticStudy:
    """Rows original, retrain, finetune and a labelled reading of gdr_gma × seeds, in the working directory."""

    def __init__(
        self,
        seeds: int = 2,
        epochs: int = EPOCHS,
        experiments: tuple[str, ...] = ("random",),
        name: str = "tiny",
        points: int = POINTS,
    ) -> None:
        self.epochs, self.name, self.points = epochs, name, points
        self.prepared = finish(paths.prepared(TRAINING.dataset), "prepare", seconds=0.0)
        self.runs = [
            self._run(e, row, method, s)
            for e in experiments
            for row, method in ROWS.items()
            for s in range(seeds)
        ]
        self.aggregate()
        self.report({"index.html": "<p>one</p>", "tables/random.csv": "a,b\n", "figures/roc.svg": "<svg/>"})

    def _run(self, experiment: str, row: RowSpec, method: MethodSpec | None, seed: int) -> RunSpec:
        seeds = Seeds(train=seed, split=seed, method=seed)
        folder = paths.run(TRAINING, experiment, seeds, row, method)
        model = folder if method else f"{paths.group(TRAINING)}/{row.method}/{experiment}/seed{seed}"
        finish(
            model, "unlearn", seconds=1.5, start_up=0.5, status="finished", finished=finished(seed), **FACTS
        )
        step = "step" if method else "epoch"
        entries = [{step: i, "loss": 1.0 / (i + 1), "note": "text"} for i in range(self.epochs)]
        entries[-1]["loss"] = None if row == GDR_GMA else 0.1
        (Path(model) / "history.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        if row == GDR_GMA:
            write_arrays(Path(model) / paths.SERIES, series(self.points))
        measured = {name: paths.measured(folder, name) for name in ("evaluation", "entropy_logistic")}
        finish_measure(measured["evaluation"], _evaluation(seed))
        finish_measure(measured["entropy_logistic"], _attack(seed))
        return RunSpec(
            experiment=experiment,
            row=row,
            seeds=seeds,
            scenario=SCENARIO,
            training=TRAINING,
            method=method,
            model=model,
            measured=measured,
        )

    def aggregate(self) -> None:
        """Let the aggregate stage gather what there is."""
        folders = [folder for run in self.runs for folder in (run.model, *run.measured.values())]
        inputs = AggregateInputs(jobs=(self.prepared, *dict.fromkeys(folders)))
        folder = Path(paths.results(self.name))
        job = AggregateJob("aggregate", str(folder), self.name, tuple(self.runs), inputs=inputs)
        aggregate.run(Context(job, folder))

    def report(self, files: dict[str, str], minutes: float = 10) -> None:
        """Write a report folder with these files, as a job that took a second and ended some minutes after noon."""
        folder = Path(finish(paths.report(self.name), "report", seconds=0.9, finished=finished(minutes)))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        outputs = {n: {"size": len(text), "sha256": full_digest(text)} for n, text in files.items()}
        told = {"format": 1, "specification": "s", "code": "code", "inputs": {}}
        write_json(folder / paths.MANIFEST, {**told, "outputs": outputs})

    def edit(self, method: str, code: str, minutes: float | None = None) -> None:
        """Let every model of a method come out of other code, some minutes after noon, and aggregate again."""
        for run in self.runs:
            if run.row.method == method:
                path = Path(run.model) / paths.MANIFEST
                write_json(path, {**read_json(path), "code": code})
                if minutes is not None:
                    record = Path(run.model) / paths.RECORD
                    write_json(record, {**read_json(record), "finished": finished(minutes)})
        self.aggregate()

    def track(self) -> dict[str, Any]:
        """Run the track stage; return tracked.json."""
        folder = Path(paths.tracking(self.name))
        folder.mkdir(parents=True, exist_ok=True)
        inputs = ReportInputs(results=paths.results(self.name), report=paths.report(self.name))
        track.run(
            Context(TrackJob("track", str(folder), self.name, "A tiny study", "", inputs=inputs), folder)
        )
        return read_json(folder / "tracked.json")


def _evaluation(seed: int) -> Measured:
    sets = np.repeat(["forget", "test"], 3)
    zeros = np.zeros(6, dtype=np.float32)
    samples = {"loss": zeros, "entropy": zeros, "index": np.arange(6), "set": sets}
    return Measured({"accuracy_test": 90.0 + seed, "loss_test": None}, tables={"samples": samples})


def _attack(seed: int) -> Measured:
    name = "entropy_logistic"
    tables = tables_of(name, np.ones(3), np.zeros(4))
    return Measured({f"{name}.auc": 0.6, name: 60.0 + seed}, tables=tables)
