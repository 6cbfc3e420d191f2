"""Log a study's results to MLflow: one run per seed under one per row, and one for the study with its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reunlearn.artifacts.gathered import Gathered, JobResult
from reunlearn.artifacts.manifest import read_manifest
from reunlearn.artifacts.record import Record, read_record
from reunlearn.base.files import write_json
from reunlearn.base.hashing import full_digest
from reunlearn.base.secrets import without_secrets
from reunlearn.reporting import rows
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.report_jobs import TrackJob
from reunlearn.study.specs import DatasetSpec, RunSpec
from reunlearn.tracking.store import open_store, tracking_uri
from reunlearn.tracking.tracker import REPORT, TrackedRun, Tracker

KEY = ["experiment", *rows.KEY, *rows.SEEDS]  # names a run
PARENT_NOTE = (
    "Metrics are means over the seeds below; std/… are their standard deviations. "
    "It begins with the first of them and ends with the last."
)


def run(context: Context[TrackJob]) -> None:
    """Write tracked.json: the store and the run of each key."""
    job = context.job
    results = Results(Path(job.inputs.results))
    if job.inputs.report is None:
        raise ValueError("this job names no report to log")
    report = _report(job, results, Path(job.inputs.report))
    with context.stopwatch.section("run"), open_store() as client:
        tracker = Tracker(client, job.study, job.title)
        for runs in results.by_row():
            children = [results.seed(planned) for planned in runs]
            parent = results.row(runs[0], children)
            parent_id = tracker.open(parent)
            for child in children:
                tracker.log(child, parent_id)
            tracker.log(parent)
        tracker.log(report)
        tracker.check()
    content = {
        "uri": without_secrets(tracking_uri()),
        "experiment": tracker.experiment,
        "runs": tracker.ids,
    }
    write_json(context.folder / "tracked.json", content)


class Results:
    """The folder of an aggregate job, read once. `missing`: how many runs have no result."""

    def __init__(self, folder: Path) -> None:
        gathered = Gathered.read(folder)
        self.jobs = gathered.jobs
        table = pd.read_parquet(folder / "results.parquet")
        groups = {key: group for key, group in table.groupby(KEY, sort=False)} if len(table) else {}
        self.numbers = {key: dict(zip(g["metric"], g["value"], strict=True)) for key, g in groups.items()}
        self.status = {key: str(group["status"].iloc[0]) for key, group in groups.items()}
        self.tables, self.numbered = (
            StudyTables(folder),
            {_key(run): n for n, run in enumerate(gathered.runs)},
        )
        self.runs = [run for run in gathered.runs if self.status[_key(run)] != "missing"]
        self.missing = len(gathered.runs) - len(self.runs)

    def by_row(self) -> list[list[RunSpec]]:
        """Return the finished runs, gathered by experiment, row and hyper-parameters."""
        gathered: dict[str, list[RunSpec]] = {}
        for planned in self.runs:
            gathered.setdefault(_row_digest(planned), []).append(planned)
        return list(gathered.values())

    def seed(self, planned: RunSpec) -> TrackedRun:
        """Return the MLflow run of one run."""
        model, key = self.jobs[planned.model], _key(planned)
        made_by = [folder for folder in (planned.model, *planned.measured.values()) if folder in self.jobs]
        data = self.jobs[paths.prepared(planned.training.dataset)].manifest
        seeds = planned.seeds.model_dump()
        return TrackedRun(
            "seed",
            "-".join(f"{kind}{seed}" for kind, seed in seeds.items()),
            specification=full_digest([*_identity(planned).items(), *seeds.items(), *self._digests(planned)]),
            manifest=full_digest([self.jobs[folder].manifest for folder in made_by]),
            span=_span(model.record),
            tags={
                **_identity(planned),
                "status": self.status[key],
                "data": data,
                **_provenance(model),
            },
            params={**_parameters(planned), **{f"{kind}_seed": seed for kind, seed in seeds.items()}},
            metrics=self.numbers[key],
            history=[*_history(Path(planned.model) / "history.jsonl"), *self._series(planned)],
            dataset=_dataset(planned.training.dataset, data),
        )

    def row(self, planned: RunSpec, children: Sequence[TrackedRun]) -> TrackedRun:
        """Return the MLflow run that gathers the seeds of a row; `planned`: any of its runs."""
        return TrackedRun(
            "method",
            f"{planned.experiment} · {planned.row.name}",
            specification=_row_digest(planned),
            manifest=full_digest(sorted(child.manifest for child in children)),
            span=(min(child.span[0] for child in children), max(child.span[1] for child in children)),
            tags={**_identity(planned), "mlflow.note.content": PARENT_NOTE},
            params=_parameters(planned),
            metrics=_means([child.metrics for child in children]),
        )

    def _series(self, planned: RunSpec) -> list[tuple[str, float, int]]:
        """Return (series/name, value, step or epoch) of what a run logged, as many points as the report shows."""
        lines = self.tables.read("series", ("series", "value", "step"), run=self.numbered[_key(planned)])
        return [
            (f"series/{name}", float(value), int(step))
            for name, value, step in lines.itertuples(index=False, name=None)
        ]

    def _digests(self, planned: RunSpec) -> list[str]:
        """Return the digests of what was asked for: the model's specification, and what it is measured on."""
        scenario = planned.scenario.model_dump(mode="json")
        return [self.jobs[planned.model].specification, planned.training.digest, full_digest(scenario)]


def _report(job: TrackJob, results: Results, folder: Path) -> TrackedRun:
    """Return the MLflow run of the study itself, with the files that the report's manifest lists."""
    manifest, record = read_manifest(folder), read_record(folder)
    if manifest is None or record is None:
        raise ValueError(f"{folder}: the report has no manifest, or no record")
    statuses = list(results.status.values())
    counts = {f"runs_{name}": statuses.count(name) for name in ("finished", "diverged")}
    return TrackedRun(
        "study",
        f"report of {job.study}",
        specification=full_digest(["study", job.study]),
        manifest=full_digest(manifest.model_dump(mode="json")),
        span=_span(record),
        tags={"mlflow.note.content": job.description or job.title},
        metrics={**counts, "runs_missing": results.missing},
        artifacts={folder / name: str(Path(REPORT, name).parent) for name in sorted(manifest.outputs)},
    )


def _key(planned: RunSpec) -> tuple[str | int, ...]:
    return (planned.experiment, *rows.run_key(planned))


def _identity(planned: RunSpec) -> dict[str, str]:
    """Return what names a row of an experiment; a row without reading or label has no such key."""
    row = {name: value for name, value in planned.row.model_dump().items() if value is not None}
    return {"experiment": planned.experiment, **row, "scenario": planned.scenario.kind}


def _row_digest(planned: RunSpec) -> str:
    return full_digest([*_identity(planned).items(), _parameters(planned)])


def _parameters(planned: RunSpec) -> dict[str, Any]:
    """Return all that fixes a row's runs but the seeds, as flat names."""
    row = planned.row.model_dump()
    settings = planned.method.settings if planned.method else {}
    content = {
        **planned.training.model_dump(mode="json"),
        "scenario": planned.scenario.model_dump(mode="json"),
        **row,
        "method.settings": settings,
    }
    return _flat(content)


def _provenance(job: JobResult) -> dict[str, str]:
    record = job.record
    return {
        "code": job.code,
        "git_commit": record.git.commit or "none",
        "git_dirty": str(record.git.dirty).lower(),
        "device": record.device,
        **{f"version.{name}": version for name, version in record.versions.items()},
    }


def _dataset(dataset: DatasetSpec, digest: str) -> dict[str, str]:
    source = json.dumps({"uri": paths.data(dataset)})
    profile = json.dumps(dataset.model_dump(mode="json"))
    return {"name": dataset.name, "digest": digest, "source": source, "profile": profile}


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, keys joined by dots; what is not set is left out."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{prefix}{key}.")
        elif inner is not None:
            flat[f"{prefix}{key}"] = inner
    return flat


def _history(path: Path) -> list[tuple[str, float, int]]:
    """Return (history/name, value, epoch or step) of every number in a history."""
    if not path.exists():
        return []
    points: list[tuple[str, float, int]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        step = entry.pop("epoch") if "epoch" in entry else entry.pop("step")
        for name, value in entry.items():
            if value is None or isinstance(value, (int, float)):
                points.append((f"history/{name}", np.nan if value is None else float(value), step))
    return points


def _span(record: Record) -> tuple[int, int]:
    """Return begin and end of a job, milliseconds since 1970."""
    end = round(datetime.fromisoformat(record.finished).timestamp() * 1000)
    return end - round(record.seconds.get("total", 0.0) * 1000), end


def _means(numbers: Sequence[Any]) -> dict[str, float]:
    """Return mean and, from two seeds on, standard deviation of every metric over the seeds that have it."""
    means = {}
    for name in sorted({name for metrics in numbers for name in metrics}):
        values = np.array([metrics[name] for metrics in numbers if name in metrics], dtype=float)
        values = values[np.isfinite(values)]
        if len(values):
            means[name] = float(values.mean())
        if len(values) > 1:
            means[f"std/{name}"] = float(values.std(ddof=1))
    return means
