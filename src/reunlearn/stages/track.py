"""Log a study's results to MLflow: one run per seed under one per method, and one for the study with its report."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reunlearn.base.files import read_json, write_json
from reunlearn.base.hashing import full_digest
from reunlearn.stages.execution import Job
from reunlearn.study import paths
from reunlearn.tracking.entries import REPORT, Entry, Tracker
from reunlearn.tracking.store import open_store, tracking_uri, without_credentials

SEEDS = ["train_seed", "split_seed", "method_seed"]
ROW = ["experiment", "row", *SEEDS]
PARENT_NOTE = "Metrics are means over the seeds below; std/… are their standard deviations."


def run(job: Job) -> None:
    """Write tracked.json: the store and the run of each key."""
    found = Findings(job.input("results"))
    report = _report(found, job.input("report"))
    with job.stopwatch.section("run"), open_store() as client:
        tracker = Tracker(client, found.study["name"], found.study["title"])
        for rows in found.by_method():
            children = [found.seed(row) for row in rows]
            method = found.method(rows, children)
            parent = tracker.open(method)
            for child in children:
                tracker.log(child, parent)
            tracker.log(method)
        tracker.log(report)
    content = {
        "uri": without_credentials(tracking_uri()),
        "experiment": tracker.experiment,
        "runs": tracker.ids,
    }
    write_json(job.folder / "tracked.json", content)


class Findings:
    """The folder of an aggregate job, read once."""

    def __init__(self, results: Path) -> None:
        content = read_json(results / "runs.json")
        self.study, self.jobs = content["study"], content["jobs"]
        self.rows = [r for r in content["rows"] if r["model"] in self.jobs and r["evaluation"] in self.jobs]
        self.missing = len(content["rows"]) - len(self.rows)
        table = pd.read_parquet(results / "results.parquet")
        groups = table.groupby(ROW, sort=False) if len(table) else []
        self.numbers = {key: dict(zip(g["metric"], g["value"], strict=True)) for key, g in groups}
        self.status = {key: g["status"].iloc[0] for key, g in groups}

    def by_method(self) -> list[list[dict[str, Any]]]:
        """Return the finished rows, gathered by experiment, method and what it was told."""
        gathered: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            gathered.setdefault(self._method_digest(row), []).append(row)
        return list(gathered.values())

    def seed(self, row: dict[str, Any]) -> Entry:
        """Return the entry of one run."""
        model, key = self.jobs[row["model"]], _key(row)
        made_by = [row["model"], row["evaluation"], *row["attacks"].values()]
        asked = [self.jobs[row[role]]["specification"] for role in ("model", "evaluation")]
        data = self.jobs[paths.prepared(self._training(row)["dataset"])]["manifest"]
        git = model["record"]["git"]
        tags = {
            **_identity(row),
            "status": self.status[key],
            "code": model["code"],
            "data": data,
            "git_commit": git["commit"] or "none",
            "git_dirty": str(git["dirty"]).lower(),
            "device": model["record"]["device"],
            **{f"version.{name}": version for name, version in model["record"]["versions"].items()},
        }
        return Entry(
            "seed",
            "-".join(f"{name.removesuffix('_seed')}{row[name]}" for name in SEEDS),
            specification=full_digest([row["experiment"], row["name"], *asked]),
            manifest=full_digest([self.jobs[f]["manifest"] for f in made_by if f in self.jobs]),
            tags=tags,
            params={**self._parameters(row), **{name: row[name] for name in SEEDS}},
            metrics=self.numbers[key],
            history=_history(Path(row["model"]) / "history.jsonl"),
            dataset=self._dataset(row, data),
            span=_span(model["record"]),
        )

    def method(self, rows: list[dict[str, Any]], children: list[Entry]) -> Entry:
        """Return the entry that gathers the seeds of a method."""
        return Entry(
            "method",
            f"{rows[0]['experiment']} · {rows[0]['name']}",
            specification=self._method_digest(rows[0]),
            manifest=full_digest(sorted(child.manifest for child in children)),
            tags={**_identity(rows[0]), "mlflow.note.content": PARENT_NOTE},
            params=self._parameters(rows[0]),
            metrics=_means([child.metrics for child in children]),
        )

    def _training(self, row: dict[str, Any]) -> dict[str, Any]:
        return read_json(Path(row["evaluation"]) / paths.SPECIFICATION)["training"]

    def _method_digest(self, row: dict[str, Any]) -> str:
        return full_digest([row["experiment"], row["name"], self._parameters(row)])

    def _parameters(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return all that fixes the row's runs but the seeds, as flat names."""
        method = row["method"] or {"name": row["name"]}
        return _flat({**self._training(row), "scenario": row["scenario"], "method": method})

    def _dataset(self, row: dict[str, Any], digest: str) -> dict[str, str]:
        about = self._training(row)["dataset"]
        source = json.dumps({"uri": paths.data(about)})
        return {"name": about["name"], "digest": digest, "source": source, "profile": json.dumps(about)}


def _report(found: Findings, folder: Path) -> Entry:
    """Return the entry of the study itself, with the files that the report's manifest lists."""
    manifest = read_json(folder / paths.MANIFEST)
    files = sorted(manifest["outputs"])
    statuses = list(found.status.values())
    counts = {f"runs_{name}": statuses.count(name) for name in ("finished", "diverged")}
    return Entry(
        "study",
        f"report of {found.study['name']}",
        specification=full_digest(["study", found.study["name"]]),
        manifest=full_digest(manifest),
        tags={"mlflow.note.content": found.study["description"] or found.study["title"]},
        metrics={**counts, "runs_missing": found.missing},
        artifacts={folder / name: str(Path(REPORT, name).parent) for name in files},
    )


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["experiment"], row["name"], *(row[name] for name in SEEDS))


def _identity(row: dict[str, Any]) -> dict[str, str]:
    return {"experiment": row["experiment"], "row": row["name"], "scenario": row["scenario"]["kind"]}


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
    found: list[tuple[str, float, int]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        step = entry.pop("epoch") if "epoch" in entry else entry.pop("step")
        for name, value in entry.items():
            if value is None or isinstance(value, (int, float)):
                found.append((f"history/{name}", np.nan if value is None else float(value), step))
    return found


def _span(record: dict[str, Any]) -> tuple[int, int]:
    """Return begin and end of a job, milliseconds since 1970."""
    end = round(datetime.fromisoformat(record["finished"]).timestamp() * 1000)
    return end - round(record["seconds"].get("total", 0.0) * 1000), end


def _means(numbers: list[Any]) -> dict[str, float]:
    """Return mean and, from two seeds on, standard deviation of every metric over the seeds that have it."""
    found = {}
    for name in sorted({name for one in numbers for name in one}):
        values = np.array([one[name] for one in numbers if name in one], dtype=float)
        values = values[np.isfinite(values)]
        if len(values):
            found[name] = float(values.mean())
        if len(values) > 1:
            found[f"std/{name}"] = float(values.std(ddof=1))
    return found
