"""The MLflow store: opened without network chatter, made whole or not at all, one writer at a time.

Default: mlflow.db in the project, artifacts under mlartifacts; MLFLOW_TRACKING_URI names another.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reunlearn.base.caches import state_dir
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json, write_text
from reunlearn.base.secrets import without_secrets

DEFAULT_URI = "sqlite:///mlflow.db"
ARTIFACTS = "mlartifacts"
# of the experiment that MLflow makes for itself; it cannot take a path with a quote in it
UNUSED = "mlflow-artifacts:/"
SQLITE_HEADER = b"SQLite format 3\0"

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
# an absent server is known in seconds; one that answered once may be busy, or be started again within a minute
FIRST_CALL = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
LATER_CALLS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "6", "MLFLOW_HTTP_REQUEST_TIMEOUT": "120"}
ADVICE = "results and report are kept; mend or unset MLFLOW_TRACKING_URI and run the same command again"
REFUSED = {  # what a server answers → what is wrong
    r"error code 401\b|UNAUTHENTICATED": "user name or password is not accepted; "
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to those of an account there",
    r"error code 403\b|PERMISSION_DENIED": "this account may not do that there; "
    "whoever runs the server gives it EDIT on the experiment of this study",
    r"Connection refused|Name or service not known|timed out|No route to host|Connection reset": r"\g<0>",
}


def tracking_uri() -> str:
    """Return where to log."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def clone_of(uri: str) -> str:
    """Return what tells this project apart from other clones that log to the same server.

    A store beside the project is its own. A copy of a project is another clone than what it was copied from.
    """
    if sqlite_path(uri):
        return "here"
    path, here = state_dir() / "clone.json", str(Path.cwd())
    try:
        known = read_json(path)
        if known["folder"] == here:
            return str(known["clone"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    clone = uuid.uuid4().hex[:12]
    write_text(path, json.dumps({"folder": here, "clone": clone}))
    return clone


def artifact_location(uri: str, experiment: str) -> str | None:
    """Return where an experiment's files go: beside a SQLite store; a server decides for itself (None)."""
    path = sqlite_path(uri)
    return str(path.absolute().parent / ARTIFACTS / experiment) if path else None


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a SQLite URI."""
    match = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]+)(?:\?.*)?", uri)
    return Path(match.group(1)) if match else None


@contextmanager
def open_store() -> Iterator[Any]:
    """Yield an MlflowClient; whatever MLflow refuses, or a server that is away, is one UserError."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # after the environment: importing MLflow may already speak to the network
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    uri = tracking_uri()
    path = sqlite_path(uri)
    try:
        with _one_writer(without_secrets(uri)), _made(path):
            with _unless_chosen(FIRST_CALL):
                # whole: MLflow keeps connections by URI, and a relative one means another file in another folder
                client = MlflowClient(uri.replace(str(path), str(path.absolute()), 1) if path else uri)
                client.search_experiments(max_results=1)
            with _unless_chosen(LATER_CALLS):
                yield client
    except (MlflowException, RequestException, SQLAlchemyError, ModuleNotFoundError) as error:
        where, reason = without_secrets(uri), _reason(error)
        raise UserError(f"MLflow store {where}: {reason}; {ADVICE}") from error


@contextmanager
def _unless_chosen(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment inside the block, but for those that the user set."""
    ours = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def _reason(error: Exception) -> str:
    """Return what is wrong on one line: of nested connection errors only the innermost."""
    text = without_secrets(
        " ".join(str(error).split())
    )  # before it is cut: half an address is not recognised
    for pattern, reason in REFUSED.items():
        if known := re.search(pattern, text):
            return known.expand(reason)
    return text[:200]


@contextmanager
def _one_writer(where: str) -> Iterator[None]:
    """Hold a lock of this project while a store is written: two jobs that log the same study would log it twice."""
    with (state_dir() / "mlflow.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logging.info("another process is writing to %s; waiting for it", where)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _made(path: Path | None) -> Iterator[None]:
    """Make a SQLite store if there is none, see that it is one, flush it at the end."""
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _flushed_once(path):
        if not path.exists():
            _make(path.absolute())
        check_format(path)
        _move_in(path.absolute())
        yield


def check_format(path: Path) -> None:
    """Refuse a file that is no SQLite database at once: MLflow would try it again for minutes."""
    with path.open("rb") as handle:
        begin = handle.read(len(SQLITE_HEADER))
    if begin and begin != SQLITE_HEADER:
        raise UserError(
            f"MLflow store {path}: is not a SQLite database; move it away and run the command again"
        )


def _make(path: Path) -> None:
    """Let MLflow run its migrations under another name: a kill half-way leaves no half-made store."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for leftover in path.parent.glob(f".{path.name}.*.partial*"):
        leftover.unlink()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    SqlAlchemyStore(f"sqlite:///{partial}", UNUSED)
    partial.replace(path)


def _move_in(path: Path) -> None:
    """Let a store that was copied with its project name its own files, not those of the project it came from.

    MLflow writes whole paths. Only such are changed as `artifact_location` makes: files beside the store.
    """
    with contextlib.closing(sqlite3.connect(path)) as store, store:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return  # an empty file: MLflow fills it
        known = store.execute("SELECT experiment_id, name, artifact_location FROM experiments").fetchall()
        for number, name, location in known:
            here = artifact_location(f"sqlite:///{path}", name)
            if location == here or not str(location).endswith(f"/{ARTIFACTS}/{name}"):
                continue
            store.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (here, number)
            )
            store.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE experiment_id = ?",
                (here, len(location) + 1, number),
            )


@contextmanager
def _flushed_once(path: Path) -> Iterator[None]:
    """Wait for the disk once at the end and not at each of several hundred commits, which is most of the time.

    A killed process loses nothing by this; a power cut in these seconds can damage the store, which is made from
    the results and can be made again.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def relax(connection: Any, record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
        if path.exists():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
