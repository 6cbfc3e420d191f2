"""A real `mlflow server` with accounts, as docs/tracking.md starts one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.servers import free_port, kill, serving

ADMIN = ("admin", "administrates")
USER = ("someone", "a long password")
SETTINGS = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/accounts.db
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


@dataclass
class Server:
    """A server that runs; `folder` holds its store, its files and its accounts."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def variables(self, account: tuple[str, str] | None = USER) -> dict[str, str]:
        """Return what a client sets."""
        user = dict(
            zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), account or (), strict=False)
        )
        return {"MLFLOW_TRACKING_URI": self.address, **user}

    def ask(self, method: str, path: str, account: tuple[str, str] | None = ADMIN, **options: Any) -> Any:
        """Send a request; return the response, whatever its status."""
        return requests.request(
            method, self.address + path, auth=account, timeout=60, allow_redirects=False, **options
        )

    def add(self, account: tuple[str, str]) -> None:
        """Make an account, as docs/tracking.md says."""
        name, password = account
        body = {"username": name, "password": password}
        response = self.ask("POST", "/api/2.0/mlflow/users/create", json=body)
        assert response.status_code == 200, response.text

    def kill(self) -> None:
        """End it as kill -9 does."""
        kill(self.process)


@contextmanager
def running(folder: Path, port: int | None = None) -> Iterator[Server]:
    """Run a server on a folder until the end of the block: a new one, or again on what an earlier one left."""
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    (folder / "accounts.ini").write_text(SETTINGS.format(folder=folder))
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    hidden = ("MLFLOW_", "REUNLEARN_", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)} | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "accounts.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret of this server",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    with serving(command, port, folder / "log", environment) as process:
        yield Server(folder, port, process)
