"""MLflow: where runs are logged, and whether that store can be opened or that server answers."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reunlearn.base.secrets import without_secrets
from reunlearn.doctor.findings import Asked, CheckCard, Found, State
from reunlearn.tracking.store import check_format, sqlite_path, tracking_uri

CARD = CheckCard(order=90, title="MLflow")
SECONDS = 10  # for a server's answer
EXPERIMENTS = "/api/2.0/mlflow/experiments/search"
MIGRATIONS = Path("store") / "db_migrations" / "versions"


def look(asked: Asked) -> Found:
    """Look into the file of a SQLite store; ask a server for an experiment, as logging does first."""
    uri = tracking_uri()
    path = sqlite_path(uri)
    if path is not None:
        yield from of_file(path)
    elif urlsplit(uri).scheme in ("http", "https"):
        yield of_server(uri)
    else:  # opening another database would make its tables
        yield "warning", f"{without_secrets(uri)}: only SQLite files and servers are looked at", ""


def of_server(uri: str) -> tuple[State, str, str]:
    """Return whether a server answers. By hand: MLflow's client takes seconds to import."""
    address, mend = (
        without_secrets(uri),
        "start it, or mend or unset MLFLOW_TRACKING_URI; a study's results are kept",
    )
    headers = {"Content-Type": "application/json", **credentials(uri)}
    request = urllib.request.Request(f"{address.rstrip('/')}{EXPERIMENTS}", b'{"max_results": 1}', headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            json.load(response)
    except urllib.error.HTTPError as error:
        return "problem", f"{address} answers {error.code} {error.reason}", mend
    except ValueError:
        return "problem", f"{address} answers, but is no MLflow server", mend
    except (OSError, http.client.HTTPException) as error:
        return "problem", f"{address}: {getattr(error, 'reason', error)}", mend
    return "ok", f"{address} answers", ""


def credentials(uri: str) -> dict[str, str]:
    """Return the header by which MLflow's client says who asks: from the address, or from its variables."""
    parts, given = urlsplit(uri), os.environ.get
    user = parts.username or given("MLFLOW_TRACKING_USERNAME")
    password = parts.password or given("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        encoded = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        return {"Authorization": f"Basic {encoded}"}
    token = given("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


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
