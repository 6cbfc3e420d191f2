"""Log a study's results to MLflow, each once: a complete run is left as it is, an incomplete one is completed.

Every MLflow run carries (study, clone, specification digest, manifest hash) as tags, and `complete` as the last of all.
A run of kind `seed` is one result: another manifest is another run, and the older one of the same specification is
tagged `superseded`. Runs of kind `method` (a row of a table) and `study` gather results; of each, one run stays and is
updated. Begin and end of a run are those of the jobs that made its results, whenever it is logged; MLflow cannot change
a begin, so a gathering run whose results begin at another time is replaced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reunlearn.base.errors import UserError
from reunlearn.base.secrets import without_secrets
from reunlearn.tracking.store import artifact_location, clone_of, tracking_uri

LASTING = ("study", "method")  # kinds of which one run stays, whatever its manifest
REPORT = "report"  # folder of artifacts
PARENT = "mlflow.parentRunId"
AT_ONCE = 1000  # metrics, parameters and tags: MLflow's limit
DIGEST_LENGTH = 36  # MLflow's limit for a dataset's digest


@dataclass(frozen=True)
class TrackedRun:
    """What one MLflow run should hold.

    Attributes:
        kind: study, method or seed.
        specification, manifest: digests of what was asked and of what came out.
        span: begin and end, milliseconds since 1970.
        history: (metric, value, step) of each logged step.
        dataset: name, digest and where it is, of what was trained on.
        artifacts: file → folder among the run's artifacts.
    """

    kind: str
    name: str
    specification: str
    manifest: str
    span: tuple[int, int]
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    history: list[tuple[str, float, int]] = field(default_factory=list)
    dataset: Mapping[str, str] | None = None
    artifacts: Mapping[Path, str] = field(default_factory=dict)


class Tracker:
    """One study in one store. Its runs are read once, when the tracker is made, and once more by `check`."""

    def __init__(self, client: Any, study: str, title: str) -> None:
        self.client, self.study, self.clone = client, study, clone_of(tracking_uri())
        self.experiment = self._experiment(title)
        self._runs: dict[tuple[str, str], list[Any]] = {}  # (kind, specification) → runs
        for run in self._existing():
            self._runs.setdefault(_row_of(run), []).append(run)
        self.ids: dict[str, str] = {}  # key → run of everything logged through this tracker

    def _experiment(self, title: str) -> str:
        from mlflow.exceptions import MlflowException

        known = self.client.get_experiment_by_name(self.study)
        if known is None:
            tags = {"mlflow.note.content": title}
            place = artifact_location(tracking_uri(), self.study)
            try:
                return self.client.create_experiment(self.study, artifact_location=place, tags=tags)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                known = self.client.get_experiment_by_name(self.study)  # another clone was quicker
        if known.lifecycle_stage == "deleted":
            self.client.restore_experiment(known.experiment_id)
        return known.experiment_id

    def _existing(self) -> list[Any]:
        runs, token = [], None
        while True:
            page = self.client.search_runs(
                [self.experiment], f"tags.clone = '{self.clone}'", max_results=1000, page_token=token
            )
            runs += page
            token = page.token
            if not token:
                return [run for run in runs if {"kind", "specification", "manifest"} <= set(run.data.tags)]

    def open(self, wanted: TrackedRun, parent: str | None = None) -> str:
        """Return the id of the run of `wanted`, made if there is none: what children need of their parent."""
        return (self._find(wanted) or self._create(wanted, parent)).info.run_id

    def log(self, wanted: TrackedRun, parent: str | None = None) -> None:
        """Make the run of `wanted`, or update it."""
        run = self._find(wanted) or self._create(wanted, parent)
        if not _is_current(run, wanted):
            self._fill(run, wanted)
        self.ids[self._key(wanted.kind, wanted.specification, wanted.manifest)] = run.info.run_id
        if wanted.kind in LASTING:
            self._replace(wanted, run)
        else:
            self._supersede(wanted, run)

    def check(self) -> None:
        """Read the runs again: remove what was made twice, see that all is there.

        A request whose answer was lost is sent again by MLflow, and may have been carried out both times.

        Raises:
            UserError: the store has not kept all that was logged.
        """
        complete, logged = set(), set(self.ids.values())
        for run in self._existing():
            tags, run_id = run.data.tags, run.info.run_id
            if run_id in logged:
                complete |= {run_id} if "complete" in tags else set()
            elif self._key(tags["kind"], tags["specification"], tags["manifest"]) in self.ids:
                self.client.delete_run(run_id)
        if lost := len(logged - complete):
            raise UserError(
                f"MLflow store {without_secrets(tracking_uri())}: has {len(complete)} of the {len(logged)} runs "
                f"that were logged to it, {lost} are lost; run the same command again"
            )

    def _key(self, kind: str, specification: str, manifest: str) -> str:
        return f"{self.study}/{kind}/{specification}/{manifest}"

    def _find(self, wanted: TrackedRun) -> Any | None:
        """Return the run of this key that may stay; of a lasting kind, the run of this specification."""
        for run in self._runs.get((wanted.kind, wanted.specification), []):
            same_begin = run.info.start_time == wanted.span[0]
            if wanted.kind in LASTING:
                if same_begin:
                    return run
            # made again with the same bits is the same result; but what is unfinished must not mix two times
            elif run.data.tags["manifest"] == wanted.manifest and (same_begin or "complete" in run.data.tags):
                return run
        return None

    def _create(self, wanted: TrackedRun, parent: str | None) -> Any:
        identity = {
            "study": self.study,
            "clone": self.clone,
            "kind": wanted.kind,
            "specification": wanted.specification,
            "manifest": wanted.manifest,
            "mlflow.source.name": "reunlearn",
        }
        family = {PARENT: parent} if parent else {}
        tags = {**wanted.tags, **identity, **family}
        run = self.client.create_run(self.experiment, wanted.span[0], tags, wanted.name)
        self._runs.setdefault((wanted.kind, wanted.specification), []).append(run)
        return run

    def _fill(self, run: Any, wanted: TrackedRun) -> None:
        """Log everything of `wanted`; doing it again after an interruption changes nothing."""
        from mlflow.entities import Metric, Param, RunTag

        run_id, end = run.info.run_id, wanted.span[1]
        metrics = [Metric(name, _number(value), end, 0) for name, value in sorted(wanted.metrics.items())]
        metrics += [Metric(name, _number(value), end, step) for name, value, step in wanted.history]
        known = (
            run.data.params
        )  # MLflow refuses another value of a known one; the specification fixes them all
        params = [
            Param(name, str(value)) for name, value in sorted(wanted.params.items()) if name not in known
        ]
        changed = {k: v for k, v in wanted.tags.items() if run.data.tags.get(k) != v}
        tags = [RunTag(k, v) for k, v in sorted(changed.items())]
        first = AT_ONCE - len(params) - len(tags)
        self.client.log_batch(run_id, metrics[:first], params, tags)
        for begin in range(first, len(metrics), AT_ONCE):
            self.client.log_batch(run_id, metrics[begin : begin + AT_ONCE])
        if wanted.dataset:
            self._log_dataset(run_id, wanted.dataset)
        if wanted.artifacts:
            self._log_artifacts(run, wanted.artifacts)
        self.client.set_terminated(run_id, "FINISHED", end)
        if run.data.tags["manifest"] != wanted.manifest:
            self.client.set_tag(run_id, "manifest", wanted.manifest)
        if "complete" not in run.data.tags:
            self.client.set_tag(run_id, "complete", "true")

    def _log_dataset(self, run_id: str, dataset: Mapping[str, str]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        digest = dataset["digest"][:DIGEST_LENGTH]
        logged = Dataset(dataset["name"], digest, "local", dataset["source"], profile=dataset["profile"])
        tags = [InputTag("mlflow.data.context", "training")]
        self.client.log_inputs(run_id, [DatasetInput(logged, tags)])

    def _log_artifacts(self, run: Any, artifacts: Mapping[Path, str]) -> None:
        if "complete" in run.data.tags:  # files of an earlier report that this one no longer has must go
            _delete_report(run)
        for path, folder in artifacts.items():
            self.client.log_artifact(run.info.run_id, str(path), folder)

    def _replace(self, wanted: TrackedRun, current: Any) -> None:
        """Let the runs of the same row that begin at another time go, and give what hangs below them to this one."""
        run_id, row = current.info.run_id, self._runs[wanted.kind, wanted.specification]
        replaced = {run.info.run_id: run for run in row if run.info.run_id != run_id}
        if not replaced:
            return
        for child in (run for runs in self._runs.values() for run in runs):
            if child.data.tags.get(PARENT) in replaced:
                self.client.set_tag(child.info.run_id, PARENT, run_id)
        for old in replaced.values():
            if wanted.artifacts:
                _delete_report(old)
            self.client.delete_run(old.info.run_id)
        row[:] = [current]

    def _supersede(self, wanted: TrackedRun, current: Any) -> None:
        """Tag older results of the same specification; what was never completed goes."""
        run_id = current.info.run_id
        if "superseded" in current.data.tags:  # an edit was taken back: the older result holds again
            self.client.delete_tag(run_id, "superseded")
        same = self._runs[wanted.kind, wanted.specification]
        for run in list(same):
            if run.info.run_id == run_id or run.data.tags.get("superseded") == run_id:
                continue
            if "complete" in run.data.tags:
                self.client.set_tag(run.info.run_id, "superseded", run_id)
            else:
                self.client.delete_run(run.info.run_id)
                same.remove(run)


def _row_of(run: Any) -> tuple[str, str]:
    return run.data.tags["kind"], run.data.tags["specification"]


def _is_current(run: Any, wanted: TrackedRun) -> bool:
    ended = wanted.kind not in LASTING or run.info.end_time == wanted.span[1]
    return ended and "complete" in run.data.tags and run.data.tags["manifest"] == wanted.manifest


def _delete_report(run: Any) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(run.info.artifact_uri, tracking_uri=tracking_uri()).delete_artifacts(REPORT)


def _number(value: float | None) -> float:
    """Return a number that MLflow can hold; what is absent is NaN."""
    return math.nan if value is None else float(value)
