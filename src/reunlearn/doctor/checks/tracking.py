"""MLflow: where runs are logged, and whether that store can be opened or that server answers."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from reunlearn.doctor.findings import Asked, CheckCard, Found
from reunlearn.tracking.store import check_format, open_store, sqlite_path, tracking_uri, without_credentials

CARD = CheckCard(order=90, title="MLflow")
MIGRATIONS = Path("store") / "db_migrations" / "versions"


def look(asked: Asked) -> Found:
    """Look into the file of a SQLite store; ask a server for an experiment, as the stage `track` does first."""
    uri = tracking_uri()
    path = sqlite_path(uri)
    if path is not None:
        yield from of_file(path)
        return
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"  # of this process alone
    with open_store():
        yield "ok", f"{without_credentials(uri)} answers", ""


def of_file(path: Path) -> Found:
    """Yield whether a SQLite store can be opened and written, and is of this MLflow's format."""
    away = "move it away: the next run makes it again from the results"
    if not path.exists():
        yield "ok", f"{path} is not there yet; the first study makes it", ""
        return
    check_format(path)
    try:
        with closing(sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True, timeout=1)) as store:
            row = store.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        yield "problem", f"{path}: {error}", away
        return
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        yield "problem", f"{path} cannot be written", "get the right to write, or set MLFLOW_TRACKING_URI"
    elif row and row[0] != (newest := format_of_mlflow()):
        yield (
            "problem",
            f"{path} has another MLflow's format ({row[0]}, not {newest})",
            (f"mlflow db upgrade sqlite:///{path}, or {away}"),
        )
    else:
        yield "ok", f"{path}, can be opened and written", ""


def format_of_mlflow() -> str | None:
    """Return the newest format of the installed MLflow's store: the migration that no other one follows."""
    spec = find_spec("mlflow")
    folder = Path(next(iter((spec.submodule_search_locations if spec else None) or ["mlflow"]))) / MIGRATIONS
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    own = {match[1] for text in texts if (match := re.search(r"^revision = ['\"](\w+)['\"]", text, re.M))}
    before = {
        match[1] for text in texts if (match := re.search(r"^down_revision = ['\"](\w+)['\"]", text, re.M))
    }
    return next(iter(own - before), None)
