"""Gather the results of all runs of a study into tidy tables: what report and tracking are made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from reunlearn.artifacts.gathered import Gathered, JobResult
from reunlearn.artifacts.manifest import is_made, read_manifest
from reunlearn.artifacts.record import Record, read_record
from reunlearn.base.files import read_json, replacing
from reunlearn.base.hashing import full_digest
from reunlearn.stages.execution import Context
from reunlearn.stages.measure import NUMBERS, read_tables
from reunlearn.study.jobs import AggregateJob, stage_name
from reunlearn.study.paths import SPECIFICATION
from reunlearn.study.specs import RunSpec

TABLES = ("samples", "classes", "scores")  # of all that measures leave, those that every study has
Key = dict[str, str | int | float | None]


def run(context: Context[AggregateJob]) -> None:
    """Write results.parquet, samples.parquet, classes.parquet, scores.parquet and runs.json.

    results: study, experiment, dataset, architecture, scenario, fraction, method, reading, label, train_seed,
    split_seed, method_seed, status (finished, diverged, missing), metric, value: one line per number.
    The other tables: what the measures of each run left, with the same columns that name the run. samples: loss and
    entropy of each forget and test sample. classes: per set, true class and predicted class: samples; for sets other
    than forget the right ones only. scores: per attack and sample: member, score.
    runs.json: the runs, every job's record and digests, and what is missing.
    """
    job, results = context.job, []
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for planned in job.runs:
        key, (numbers, status) = key_of(job.study, planned), numbers_of(planned)
        results += [{**key, "status": status, "metric": k, "value": v} for k, v in numbers.items()]
        for folder in _made(planned):
            for name, columns in read_tables(Path(folder)).items():
                tables.setdefault(name, []).append(pd.DataFrame(columns).assign(**key))
    _write(context.folder / "results.parquet", pd.DataFrame(results))
    for name, frames in tables.items():
        whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        _write(context.folder / f"{name}.parquet", whole)
    gather(job).write(context.folder)


def key_of(study: str, run: RunSpec) -> Key:
    """Return the columns that name a run."""
    return {
        "study": study,
        "experiment": run.experiment,
        "dataset": run.training.dataset.name,
        "architecture": run.training.architecture.name,
        "scenario": run.scenario.kind,
        "fraction": getattr(run.scenario, "fraction", None) or np.nan,
        "method": run.row.method,
        "reading": run.row.reading or "",
        "label": run.row.label or "",
        "train_seed": run.seeds.train,
        "split_seed": run.seeds.split,
        "method_seed": run.seeds.method,
    }


def numbers_of(run: RunSpec) -> tuple[dict[str, float | None], str]:
    """Return every number of a run, and its status: `missing` where there is no model or nothing was measured."""
    made = _made(run)
    if not made:
        return {"missing": None}, "missing"
    record = read_record(Path(run.model))
    assert record is not None
    numbers: dict[str, float | None] = {f"seconds_{name}": v for name, v in record.seconds.items()}
    numbers |= {f"drawn_{name}": value for name, value in (record.drawn or {}).items()}
    states = [read_record(Path(folder)) for folder in run.state if is_made(Path(folder))]
    if run.state:
        numbers["seconds_state"] = sum(state.seconds.get("run", 0.0) for state in states if state)
    for name in ("peak_memory_mib", "peak_gpu_memory_mib"):
        if (value := getattr(record, name)) is not None:
            numbers[name] = value
    statuses = {record.status}
    for folder in made:
        numbers |= read_json(Path(folder) / NUMBERS)
        measured = read_record(Path(folder))
        statuses |= {measured.status} if measured else set()
    return numbers, "diverged" if "diverged" in statuses else "finished"


def _made(run: RunSpec) -> list[str]:
    """Return the measurements of a run that are there; none where its model is not."""
    if not is_made(Path(run.model)):
        return []
    return [folder for folder in run.measured.values() if is_made(Path(folder))]


def gather(job: AggregateJob) -> Gathered:
    """Return what the report and MLflow say of each job."""
    results: dict[str, JobResult] = {}
    missing = []
    for folder in job.inputs.jobs:
        manifest, record = read_manifest(Path(folder)), read_record(Path(folder))
        if manifest is None or record is None:
            missing.append(folder)
            continue
        results[folder] = JobResult(
            stage=stage_name(Path(folder) / SPECIFICATION),
            manifest=full_digest(manifest.model_dump(mode="json")),
            specification=manifest.specification,
            code=manifest.code,
            record=Record.model_validate(record),
        )
    return Gathered(runs=job.runs, jobs=results, missing=tuple(sorted(missing)))


def _write(path: Path, frame: pd.DataFrame) -> None:
    with replacing(path) as partial:
        frame.to_parquet(partial, index=False)
