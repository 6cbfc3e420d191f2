"""The DVC remote of this clone: its address, and whether it answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cached_property

from reunlearn.base.secrets import without_secrets

LIMIT = 30  # seconds for an answer; the libraries below DVC wait for half an hour, or try for minutes
# asks the remote for one name; that it has no such name is an answer
ASK = """
import contextlib, sys
from dvc.repo import Repo
try:
    with Repo() as repo, contextlib.suppress(FileNotFoundError):
        store = repo.cloud.get_remote_odb()
        store.fs.info(store.path)
except Exception as error:
    sys.exit(" ".join(str(error).split()) or type(error).__name__)
"""
ADVICE = (
    "see that the server is up and the address right (`dvc remote list`), then run the same command again"
)
ONCE = {"AWS_MAX_ATTEMPTS": "1"}  # a refused connection is not tried again


class Remote:
    """The configured remote, asked at most once."""

    @cached_property
    def address(self) -> str | None:
        """Where it is, without passwords; None if no remote is configured."""
        from dvc.repo import Repo

        with Repo() as repo:
            name = repo.config["core"].get("remote")
            address = repo.config["remote"].get(name, {}).get("url") if name else None
        return without_secrets(address) if address else None

    @cached_property
    def silence(self) -> str | None:
        """Why it gives no answer, on one line that says what to do; None if it answers.

        It is asked by a process of its own, which can be ended when the time is over.
        """
        command, environment = [sys.executable, "-c", ASK], {**os.environ, **ONCE}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {LIMIT} s; {ADVICE}"
        return _reason(done.stderr) if done.returncode else None


def _reason(stderr: str) -> str:
    """Return what is wrong and what to do, from the last line that was printed."""
    needed = re.search(r"requires '(dvc-[a-z0-9-]+)' to be installed", stderr)
    if needed:
        locks = "-c requirements.lock -c requirements-test.lock"
        return f"DVC needs {needed[1]} for it; `.venv/bin/pip install {locks} {needed[1]}` brings it"
    reason = without_secrets(stderr).strip().splitlines()[-1:] or ["it ended without a word"]
    return f"{reason[0][:200]}; {ADVICE}"
