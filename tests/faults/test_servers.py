"""Servers that are away, or go: the study is complete without them, and they get what they missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed
from tests.servers import free_port
from tests.storage import dvc_project, remotes
from tests.tracking import server
from tests.tracking.server import USER
from tests.workflow.test_restore import command

pytestmark = [pytest.mark.faults, pytest.mark.workflow]


def test_the_tracking_server_is_away(study: Disturbed, note: Note) -> None:
    study.begin(variables={"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}"})
    assert study.end() == 3
    assert "Traceback" not in study.printed
    seen = study.line("MLflow store")
    assert (study.project.root / "reports/tiny/index.html").is_file()
    study.finish()
    note(study, "no MLflow server answers", seen)


def test_the_tracking_server_dies_while_runs_are_logged(study: Disturbed, tmp_path: Path, note: Note) -> None:
    with server.running(tmp_path / "server") as served:
        served.add(USER)
        study.begin(variables=served.variables())
        study.wait_for_work("reports/tiny/tracking")
        study.wait_for(lambda: _logged(served), "runs on the server")
        served.kill()
        assert study.end() == 3
        seen = study.line("MLflow store")
    with server.running(tmp_path / "server") as again:
        study.finish(again.variables())
        assert _logged(again) == 9  # the report, four rows, a seed of each
    note(study, "the MLflow server dies while runs are logged (waiting for it counts)", seen)


def test_the_remote_is_away(finished: Disturbed, tmp_path: Path, note: Note) -> None:
    root = dvc_project.create(finished.project.root)
    remotes.use(root, {"url": f"http://127.0.0.1:{free_port()}/store"})
    taken = command(finished.project, "snapshot", study="tiny")
    seen = taken["not_pushed"][0]
    remotes.use(root, {"url": str(tmp_path / "remote")})
    taken = command(finished.project, "snapshot", study="tiny")
    assert (taken["unsound"], taken["not_pushed"]) == ({}, [])
    finished.compare()
    note(finished, "no DVC remote answers", seen)


def _logged(served: server.Server) -> int:
    """Return how many runs a server holds."""
    experiments = served.ask("GET", "/api/2.0/mlflow/experiments/search?max_results=100").json()
    ids = [experiment["experiment_id"] for experiment in experiments.get("experiments", [])]
    body = {"experiment_ids": ids, "max_results": 1000}
    return len(served.ask("POST", "/api/2.0/mlflow/runs/search", json=body).json().get("runs", []))
