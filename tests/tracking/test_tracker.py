"""Tracking against a real SQLite store: each result once, whatever happens in between."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.base.hashing import full_digest
from reunlearn.study import paths
from reunlearn.tracking.store import open_store
from tests.tracking.stored import ids, kinds, runs_of_store
from tests.tracking.synthetic_study import EPOCHS, ROWS, TRAINING, SyntheticStudy

SEEDS = 2
CHILDREN = len(ROWS) * SEEDS
EXPECTED = Counter(seed=CHILDREN, method=len(ROWS), study=1)

KILLED = """
import os, signal, sys
from tests.tracking.synthetic_study import SyntheticStudy
call, left = sys.argv[1], int(sys.argv[2])
from mlflow import MlflowClient
real = getattr(MlflowClient, call)
def counted(*args, **kwargs):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(MlflowClient, call, counted)
SyntheticStudy(seeds=2).track()
"""


def contents() -> dict[str, str]:
    """Return all that the store says of each run, as text: NaN is not equal to itself."""
    return {run.info.run_id: json.dumps(run.to_dictionary(), sort_keys=True) for run in runs_of_store()}


def test_every_run_is_there_with_all_that_is_known_of_it(project: Path) -> None:
    tracked = SyntheticStudy(SEEDS).track()
    runs = runs_of_store()
    assert kinds(runs) == EXPECTED
    assert all(run.data.tags["complete"] == "true" and run.info.status == "FINISHED" for run in runs)
    assert set(tracked["runs"].values()) == ids(runs)
    assert tracked["uri"] == "sqlite:///mlflow.db"
    child = next(
        r for r in runs if r.data.tags.get("method") == "gdr_gma" and r.info.run_name.endswith("method1")
    )
    params, metrics, tags = child.data.params, child.data.metrics, child.data.tags
    assert [tags[k] for k in ("method", "reading", "label")] == ["gdr_gma", "paper", "wide"]
    assert [params[k] for k in ("method", "reading", "label")] == ["gdr_gma", "paper", "wide"]
    assert params["method.settings.epochs"] == "2" and params["architecture.settings.width"] == "4"
    assert params["recipe.learning_rate"] == "0.05" and params["split_seed"] == "1"
    assert metrics["accuracy_test"] == 91 and metrics["entropy_logistic.auc"] == 0.6
    assert math.isnan(metrics["loss_test"])
    assert tags["git_commit"] == "c0ffee" and tags["status"] == "finished"
    assert child.info.end_time - child.info.start_time == 2000
    data = read_json(Path(paths.prepared(TRAINING.dataset)) / paths.MANIFEST)
    assert tags["data"] == full_digest(data)
    assert child.inputs.dataset_inputs[0].dataset.digest == tags["data"][:36]


def test_epochs_and_means_are_logged(project: Path) -> None:
    SyntheticStudy(SEEDS).track()
    runs = runs_of_store()
    child = next(r for r in runs if r.data.tags.get("method") == "original" and r.data.tags["kind"] == "seed")
    diverged = next(
        r for r in runs if r.data.tags.get("method") == "gdr_gma" and r.data.tags["kind"] == "seed"
    )
    parent = next(r for r in runs if r.info.run_id == child.data.tags["mlflow.parentRunId"])
    with open_store() as client:
        history = client.get_metric_history(child.info.run_id, "history/loss")
        broken = client.get_metric_history(diverged.info.run_id, "history/loss")
    assert [(m.step, m.value) for m in history] == [(0, 1.0), (1, 0.5), (2, 0.1)]
    assert len(broken) == EPOCHS and math.isnan(broken[-1].value)
    assert parent.data.tags["method"] == "original" and parent.data.metrics["accuracy_test"] == 90.5
    assert parent.data.metrics["std/accuracy_test"] == pytest.approx(0.5**0.5)


def test_what_a_run_logs_over_time_is_logged(project: Path) -> None:
    SyntheticStudy(SEEDS).track()
    children = [run for run in runs_of_store() if run.data.tags["kind"] == "seed"]
    with open_store() as client:
        points = {
            run.info.run_id: client.get_metric_history(run.info.run_id, "series/lambda2") for run in children
        }
    for run in children:
        found = [(m.step, m.value) for m in points[run.info.run_id]]
        wanted = [(step, float(step)) for step in range(1, 401)]
        assert found == (wanted if run.data.tags["method"] == "gdr_gma" else [])


def test_a_row_without_reading_and_label_has_no_such_tags(project: Path) -> None:
    SyntheticStudy(SEEDS).track()
    runs = [r for r in runs_of_store() if r.data.tags.get("method") in ("finetune", "original")]
    assert len(runs) == 2 * (SEEDS + 1)
    for run in runs:
        assert not {"reading", "label"} & (set(run.data.tags) | set(run.data.params))


def test_the_report_is_among_the_artifacts_and_follows_its_changes(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    study.track()
    [before] = [r for r in runs_of_store() if r.data.tags["kind"] == "study"]
    folder = Path(before.info.artifact_uri)
    assert folder.is_relative_to(project / "mlartifacts" / "tiny")
    assert (folder / "report/tables/random.csv").read_text() == "a,b\n"
    study.report({"index.html": "<p>two</p>"})
    study.track()
    [after] = [r for r in runs_of_store() if r.data.tags["kind"] == "study"]
    assert after.info.run_id == before.info.run_id
    assert [p.name for p in (folder / "report").rglob("*")] == ["index.html"]
    assert (folder / "report/index.html").read_text() == "<p>two</p>"


def test_twice_adds_nothing(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    first = study.track()
    before = contents()
    assert study.track() == first
    assert contents() == before


def test_an_edit_of_one_method_makes_exactly_its_children_anew(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    study.track()
    before = runs_of_store()
    study.edit("finetune", "other code")
    study.track()
    after = runs_of_store()
    new = [run for run in after if run.info.run_id not in ids(before)]
    assert [(r.data.tags["kind"], r.data.tags["method"]) for r in new] == [("seed", "finetune")] * SEEDS
    old = [run for run in after if "superseded" in run.data.tags]
    assert {(r.data.tags["method"], r.data.tags["kind"]) for r in old} == {("finetune", "seed")}
    assert {r.data.tags["superseded"] for r in old} == ids(new)
    assert ids(old) <= ids(before)
    assert ids(before) <= ids(after)


def test_an_edit_taken_back_brings_the_first_runs_to_the_fore_again(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    study.track()
    first = ids(runs_of_store())
    for code in ("other code", "code"):
        study.edit("finetune", code)
        study.track()
    runs = runs_of_store()
    assert len(runs) == len(first) + SEEDS
    assert {r.info.run_id for r in runs if "superseded" in r.data.tags}.isdisjoint(first)
    assert sum("superseded" in r.data.tags for r in runs) == SEEDS


def test_another_seed_adds_its_runs_only(project: Path) -> None:
    SyntheticStudy(SEEDS).track()
    before = runs_of_store()
    SyntheticStudy(SEEDS + 1).track()
    new = [run for run in runs_of_store() if run.info.run_id not in ids(before)]
    assert kinds(new) == Counter(seed=len(ROWS))
    assert not any("superseded" in run.data.tags for run in runs_of_store())


def test_a_run_that_is_missing_is_counted_and_left_out(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    for folder in study.runs[0].measured.values():
        (Path(folder) / paths.MANIFEST).unlink()
    study.aggregate()
    study.track()
    runs = runs_of_store()
    assert kinds(runs)["seed"] == CHILDREN - 1
    [whole] = [r for r in runs if r.data.tags["kind"] == "study"]
    assert (whole.data.metrics["runs_missing"], whole.data.metrics["runs_finished"]) == (1, CHILDREN - 1)


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("log_batch", 4),
        pytest.param("set_terminated", 3, marks=pytest.mark.thorough),
        pytest.param("log_artifact", 1, marks=pytest.mark.thorough),
    ],
)
def test_a_kill_in_the_middle_is_completed(project: Path, call: str, number: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MLFLOW_LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-c", KILLED, call, str(number)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    half = runs_of_store()
    assert 0 < sum("complete" in run.data.tags for run in half) < sum(EXPECTED.values())
    assert any("complete" not in run.data.tags for run in half)
    SyntheticStudy(SEEDS).track()
    runs = runs_of_store()
    assert kinds(runs) == EXPECTED
    assert all("complete" in run.data.tags for run in runs)
    assert ids(half) <= ids(runs)
    with open_store() as client:
        for run in runs:
            if run.data.tags["kind"] == "seed":
                assert len(client.get_metric_history(run.info.run_id, "history/loss")) == EPOCHS
                assert len(client.get_metric_history(run.info.run_id, "accuracy_test")) == 1


def test_what_a_kill_left_of_a_result_that_is_no_more_goes(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    study.track()
    tracked = runs_of_store()
    with open_store() as client:
        for run in tracked:
            if run.data.tags.get("method") == "finetune" and run.data.tags["kind"] == "seed":
                client.delete_tag(run.info.run_id, "complete")
    study.edit("finetune", "other code")
    study.track()
    runs = runs_of_store()
    assert kinds(runs) == EXPECTED
    assert all("complete" in run.data.tags and "superseded" not in run.data.tags for run in runs)


def test_an_unreachable_server_is_one_line_and_a_rerun_succeeds(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = SyntheticStudy(SEEDS)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    begin = time.monotonic()
    with pytest.raises(UserError) as caught:
        study.track()
    assert time.monotonic() - begin < 30
    message = str(caught.value)
    assert "\n" not in message and "http://127.0.0.1:9" in message and "Connection refused" in message
    assert "secret" not in message
    assert (Path(paths.report("tiny")) / "index.html").exists()
    assert not (Path(paths.tracking("tiny")) / "tracked.json").exists()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    study.track()
    assert kinds(runs_of_store()) == EXPECTED


def test_a_file_that_is_no_store_is_one_line(project: Path) -> None:
    (project / "mlflow.db").write_text("not a database, " * 100)
    with pytest.raises(UserError, match=r"^MLflow store mlflow.db: is not a SQLite database; .*$"):
        SyntheticStudy(SEEDS).track()
