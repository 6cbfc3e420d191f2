"""A real MLflow server with accounts: who gets in, and what becomes of runs when many write or something dies."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study import paths
from reunlearn.tracking.store import open_store
from tests.tracking import server
from tests.tracking.server import USER, Server
from tests.tracking.stored import kinds, runs_of_store
from tests.tracking.synthetic_study import EPOCHS, ROWS, SyntheticStudy

SEEDS = 2
EXPECTED = Counter(seed=len(ROWS) * SEEDS, method=len(ROWS), study=1)
OPEN = ("/health", "/api/3.0/mlflow/server-info", "/static-files/index.html")  # say nothing of any study
CLOSED = (
    "/",
    "/version",
    "/signup",
    "/api/2.0/mlflow/experiments/search?max_results=9",
    "/ajax-api/2.0/mlflow/experiments/search?max_results=9",
    "/api/2.0/mlflow/users/get?username=admin",
    "/api/2.0/mlflow-artifacts/artifacts?path=1",
    "/ajax-api/3.0/mlflow/traces/search",
    "/graphql",
    "/v1/traces",
)
TRACK = """
import sys
from tests.tracking.synthetic_study import SyntheticStudy
SyntheticStudy(seeds=int(sys.argv[1]), name=sys.argv[2], points=10).track()
"""


@pytest.fixture(scope="module")
def served(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one account besides the administrator's. Its store is made already: that takes seconds."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy2(migrated, folder / "mlflow.db")
    with server.running(folder) as one:
        one.add(USER)
        yield one


@pytest.fixture
def project(served: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that logs to the server, as the working directory; its study is named after it."""
    monkeypatch.chdir(tmp_path)
    for name, value in served.variables().items():
        monkeypatch.setenv(name, value)
    return tmp_path


def writers(folders: list[Path], studies: list[str], seeds: int) -> list[subprocess.Popen[str]]:
    """Start a process per folder that logs a study of its own, all at once; each folder is a clone of its own."""
    started = []
    for folder, study in zip(folders, studies, strict=True):
        folder.mkdir()
        state = folder.with_name(f"{folder.name}-state")
        state.mkdir()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "REUNLEARN_STATE": str(state)}
        command = [sys.executable, "-c", TRACK, str(seeds), study]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, cwd=folder, env=environment, stderr=pipe, text=True))
    return started


def wait_for_all(processes: list[subprocess.Popen[str]], seconds: float) -> None:
    for process in processes:
        _, stderr = process.communicate(timeout=seconds)
        assert process.returncode == 0, stderr[-2000:]


def check_filed(study: str, expected: Counter[str]) -> None:
    """See that a study has its runs, complete and each below the run of its row; and nobody else's."""
    runs = runs_of_store(study)
    assert kinds(runs) == expected
    assert {run.data.tags["study"] for run in runs} == {study}
    assert all("complete" in run.data.tags and run.info.status == "FINISHED" for run in runs)
    rows = {run.info.run_id: run.data.tags["method"] for run in runs if run.data.tags["kind"] == "method"}
    for run in runs:
        if run.data.tags["kind"] == "seed":
            assert rows[run.data.tags["mlflow.parentRunId"]] == run.data.tags["method"]


def test_nobody_gets_in_without_an_account(served: Server) -> None:
    answers = {path: served.ask("GET", path, None).status_code for path in (*CLOSED, *OPEN)}
    assert answers == {**dict.fromkeys(CLOSED, 401), **dict.fromkeys(OPEN, 200)}
    for account in (None, (USER[0], "another password"), ("nobody", USER[1])):
        assert served.ask("GET", "/", account).status_code == 401
        assert served.ask("GET", CLOSED[3], account).status_code == 401
        for path in ("/api/2.0/mlflow/runs/create", "/graphql", "/api/2.0/mlflow/users/create"):
            assert served.ask("POST", path, account, json={}).status_code == 401
        assert (
            served.ask("PUT", "/api/2.0/mlflow-artifacts/artifacts/1/x", account, data=b"x").status_code
            == 401
        )
    # control: with an account, what is asked for rightly is answered
    assert [served.ask("GET", path, USER).status_code for path in (CLOSED[0], CLOSED[3])] == [200, 200]
    # and only the administrator makes accounts
    body = {"username": "another", "password": "of some length"}
    assert served.ask("POST", "/api/2.0/mlflow/users/create", USER, json=body).status_code == 403


@pytest.mark.parametrize(
    ("account", "advice"),
    [(None, "set MLFLOW_TRACKING_USERNAME"), ((USER[0], "another password"), "MLFLOW_TRACKING_PASSWORD")],
)
def test_a_wrong_account_is_one_line_and_the_right_one_logs_all(
    served: Server,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    account: tuple[str, str] | None,
    advice: str,
) -> None:
    name = f"wrong-{advice[-4:]}"
    study = SyntheticStudy(SEEDS, name=name, points=10)
    for variable in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(variable)
    for variable, value in served.variables(account).items():
        monkeypatch.setenv(variable, value)
    begin = time.monotonic()
    with pytest.raises(UserError, match=rf"user name or password is not accepted; .*{advice}") as caught:
        study.track()
    assert time.monotonic() - begin < 30
    assert "\n" not in str(caught.value) and "another password" not in str(caught.value)
    assert not (Path(paths.tracking(name)) / "tracked.json").exists()
    assert (Path(paths.report(name)) / "index.html").exists()
    for variable, value in served.variables().items():
        monkeypatch.setenv(variable, value)
    study.track()
    check_filed(name, EXPECTED)


@pytest.mark.thorough
def test_an_account_that_may_not_write_is_one_line_until_it_may(
    served: Server, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever logs a study first owns its experiment; on this server others may read it."""
    study = SyntheticStudy(SEEDS, name="owned", points=10)
    study.track()
    colleague = ("colleague", "another long password")
    served.add(colleague)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", colleague[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", colleague[1])
    study.edit("finetune", "other code")
    with pytest.raises(
        UserError, match=r"this account may not do that there; .* EDIT on the experiment"
    ) as caught:
        study.track()
    assert "\n" not in str(caught.value)
    experiment = served.ask("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=owned").json()
    grant = {
        "username": colleague[0],
        "resource_type": "experiment",
        "resource_id": experiment["experiment"]["experiment_id"],
        "permission": "EDIT",
    }
    granted = served.ask("POST", "/api/3.0/mlflow/users/permissions/grant", json=grant)
    assert granted.status_code == 200, granted.text
    study.track()
    check_filed("owned", EXPECTED + Counter(seed=SEEDS))


@pytest.mark.thorough
def test_several_write_at_once_and_each_finds_its_own(served: Server, project: Path) -> None:
    studies = ["one", "two", "two"]  # two clones that log the same study
    folders = [project / f"clone{number}" for number in range(len(studies))]
    wait_for_all(writers(folders, studies, SEEDS), 300)
    check_filed("one", EXPECTED)
    both = Counter({kind: 2 * count for kind, count in EXPECTED.items()})
    check_filed("two", both)
    assert len({run.data.tags["clone"] for run in runs_of_store("two")}) == 2
    assert runs_of_store("Default") == []


@pytest.mark.thorough
def test_sixteen_write_two_thousand_runs_at_once(served: Server, project: Path) -> None:
    """Prints the seconds that it took (pytest -s)."""
    seeds, studies = 30, [f"study{number}" for number in range(16)]
    each = Counter(seed=len(ROWS) * seeds, method=len(ROWS), study=1)
    assert each.total() * len(studies) == 2000
    begin = time.monotonic()
    wait_for_all(writers([project / study for study in studies], studies, seeds), 3600)
    print(f"\n16 processes logged 2,000 runs in {time.monotonic() - begin:.0f} s")
    for study in studies:
        check_filed(study, each)
    assert runs_of_store("Default") == []


def count(store: Path) -> int:
    """Return how many runs a server's store has, read beside the server."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


def wait_until(reached: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.005)


def check_each_once(study: str) -> None:
    check_filed(study, EXPECTED)
    runs = runs_of_store(study)
    with open_store() as client:
        for run in runs:
            if run.data.tags["kind"] == "seed":
                assert len(client.get_metric_history(run.info.run_id, "history/loss")) == EPOCHS
                assert len(client.get_metric_history(run.info.run_id, "accuracy_test")) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("runs", [1, 4, 7, 10])
@pytest.mark.parametrize("dies", ["tracker", "server", "server that comes back"])
def test_whatever_dies_in_the_middle_the_next_call_completes_it(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: int, dies: str
) -> None:
    folder, clone = tmp_path / "server", tmp_path / "clone"
    folder.mkdir()
    shutil.copy2(migrated, folder / "mlflow.db")
    if dies == "server":
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with server.running(folder) as first:
        first.add(USER)
        for name, value in first.variables().items():
            monkeypatch.setenv(name, value)
        (tracker,) = writers([clone], ["tiny"], SEEDS)
        wait_until(lambda: count(folder / "mlflow.db") >= runs)
        if dies == "tracker":
            tracker.kill()
        else:
            first.kill()
    with server.running(folder, first.port) if dies == "server that comes back" else monkeypatch.context():
        _, stderr = tracker.communicate(timeout=180)
    if dies == "tracker":
        assert tracker.returncode == -signal.SIGKILL
    elif dies == "server":
        assert tracker.returncode == 1 and "results and report are kept" in stderr
    else:
        assert tracker.returncode == 0, stderr[-2000:]
    monkeypatch.chdir(clone)
    monkeypatch.setenv("REUNLEARN_STATE", str(tmp_path / "clone-state"))
    with server.running(folder, first.port):
        SyntheticStudy(SEEDS, points=10).track()
        check_each_once("tiny")
