"""Gather the results of all runs of a study into tables: what report and tracking are made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from reunlearn.artifacts.choice import Choice
from reunlearn.artifacts.gathered import Gathered, JobResult
from reunlearn.artifacts.manifest import is_made, read_manifest
from reunlearn.artifacts.record import Record, read_record
from reunlearn.base.arrays import read_arrays
from reunlearn.base.files import read_json, replacing
from reunlearn.base.hashing import full_digest
from reunlearn.metrics.series import table_of
from reunlearn.stages.execution import Context
from reunlearn.stages.measure import NUMBERS, read_tables
from reunlearn.stages.table_files import RUN, TableFiles
from reunlearn.study.jobs import stage_name
from reunlearn.study.paths import SERIES, SPECIFICATION
from reunlearn.study.report_jobs import AggregateJob
from reunlearn.study.specs import RunSpec

TABLES = (
    "samples",
    "scores",
    "classes",
    "histograms",
    "roc",
    "series",
)  # of all that measures and logs leave: every study has these
Key = dict[str, str | int | float | None]


def run(context: Context[AggregateJob]) -> None:
    """Write results.parquet, runs.parquet, a file per table that measures leave, and runs.json.

    results: run (its number in the order of the plan), study, experiment, dataset, architecture, scenario, fraction,
    method, reading, label, train_seed, split_seed, method_seed, status (finished, diverged, missing), metric, value:
    one line per number. runs: the same columns up to status, one line per run.
    The other tables: `run`, and what the measures of that run left. samples: loss and entropy of each forget
    and test sample; histograms: how many of them lie in each bin. scores: per attack and sample: member, score; roc:
    true positive rates at fixed false positive rates. classes: per set, true class and predicted class: samples; for
    sets other than forget the right ones only. series: what runs log over time, thinned: step (or epoch),
    value; the run's folder keeps all of it.
    runs.json: the runs, every job's record and digests, and what is missing.
    """
    job = context.job
    runs: list[Key] = []
    results: list[pd.DataFrame] = []
    with TableFiles(context.folder, TABLES) as files:
        for number, planned in enumerate(job.runs):
            key, (numbers, status) = key_of(job.study, planned), numbers_of(planned)
            runs.append({RUN: number, **key, "status": status})
            values = {"metric": list(numbers), "value": np.array(list(numbers.values()), dtype=float)}
            results.append(pd.DataFrame({**runs[-1], **values}))
            for folder in _made(planned):
                for name, columns in read_tables(Path(folder)).items():
                    files.add(name, number, columns)
            if status != "missing" and (logged := Path(planned.model) / SERIES).exists():
                files.add("series", number, table_of(read_arrays(logged)))
    for name, frame in {"results": pd.concat(results), "runs": pd.DataFrame(runs)}.items():
        _write(context.folder / f"{name}.parquet", frame.astype({RUN: np.int32}))
    gather(job).write(context.folder)


def key_of(study: str, run: RunSpec) -> Key:
    """Return the columns that name a run."""
    return {
        "study": study,
        "experiment": run.experiment,
        "dataset": run.training.dataset.name,
        "architecture": run.training.architecture.key,
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
    choices = {run.choice: Choice.read(Path(run.choice)) for run in job.runs if run.choice in results}
    runs = tuple(_settled(run, choices) for run in job.runs)
    return Gathered(runs=runs, jobs=results, missing=tuple(sorted(missing)), choices=choices)


def _settled(run: RunSpec, choices: dict[str, Choice]) -> RunSpec:
    """Return a run with the settings that were chosen for it; as it is where nothing is searched or chosen yet."""
    if run.method is None or run.choice not in choices:
        return run
    chosen = run.method.chosen(choices[run.choice].chosen.settings)
    return run.changed(method=chosen)


def _write(path: Path, frame: pd.DataFrame) -> None:
    with replacing(path) as partial:
        frame.to_parquet(partial, index=False)
