"""Known vulnerabilities: the real pip-audit asks a server on this machine that answers as OSV does, or nobody."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTROL = ("jinja2", "2.10")
BAD = ("leaky", "1.0")
NOT_CHECKED = "packages: not checked for known vulnerabilities: no database of them answers here\n"


class Database(BaseHTTPRequestHandler):
    """Knows a vulnerability of some packages."""

    known: frozenset[tuple[str, str]] | set[tuple[str, str]] = frozenset()

    def do_POST(self) -> None:
        """Answer one query."""
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        fixed = {"type": "ECOSYSTEM", "events": [{"fixed": "9.9"}]}
        affected = {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [fixed]}
        vulnerability = {
            "id": "PYSEC-2026-1",
            "aliases": ["CVE-2026-1"],
            "summary": "s",
            "affected": [affected],
        }
        content = {"vulns": [vulnerability]} if (name, query["version"]) in self.known else {}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Where the database listens."""
    with HTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A copy of the script with a list of its own, and a lock file beside it."""
    for name in ("audit_packages.py", "accepted-vulnerabilities.yaml"):
        shutil.copy2(ROOT / ".ci" / name, tmp_path)
    (tmp_path / "lock").write_text("leaky==1.0\nsound==2.0\n")
    return tmp_path / "audit_packages.py"


def audit(script: Path, address: str) -> subprocess.CompletedProcess[str]:
    service = [
        "--vulnerability-service",
        "osv",
        "--osv-url",
        address,
        "--cache-dir",
        str(script.parent / "cache"),
    ]
    return subprocess.run(
        [sys.executable, str(script), str(script.parent / "lock"), "--", *service],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def accept(script: Path, **changes: str) -> None:
    entry = {
        "id": "CVE-2026-1",
        "package": "leaky",
        "reason": "is never called",
        "date": "2026-11-30",
        **changes,
    }
    (script.parent / "accepted-vulnerabilities.yaml").write_text(json.dumps([entry]))


def test_a_vulnerability_fails_and_names_what_mends_it(
    script: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "known", {CONTROL, BAD})
    done = audit(script, address)
    assert done.returncode == 1
    assert "packages: leaky 1.0: PYSEC-2026-1, CVE-2026-1; mended in 9.9\n" in done.stdout
    assert done.stdout.endswith("packages: 2 checked, 1 known vulnerabilities, 0 accepted\n")


def test_one_that_is_accepted_passes(script: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "known", {CONTROL, BAD})
    today = datetime.now(UTC).date()
    accept(script, date=str(today))
    done = audit(script, address)
    assert (done.returncode, done.stdout) == (0, "packages: 2 checked, 0 known vulnerabilities, 1 accepted\n")
    accept(script, date=str(today - timedelta(days=200)))
    assert audit(script, address).returncode == 1


def test_no_vulnerability_passes(script: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "known", {CONTROL})
    done = audit(script, address)
    assert (done.returncode, done.stdout) == (0, "packages: 2 checked, 0 known vulnerabilities, 0 accepted\n")


def test_a_database_that_knows_nothing_is_not_believed(script: Path, address: str) -> None:
    done = audit(script, address)
    assert (done.returncode, done.stdout) == (0, NOT_CHECKED)


def test_nobody_there_is_said_in_one_line(script: Path) -> None:
    done = audit(script, "http://127.0.0.1:9/v1/query")
    assert (done.returncode, done.stdout, done.stderr) == (0, NOT_CHECKED, "")


@pytest.mark.parametrize("changes", [{"reason": " "}, {"date": "yesterday"}, {"why": "x"}])
def test_an_entry_without_reason_or_date_is_refused(script: Path, changes: dict[str, str]) -> None:
    accept(script, **changes)
    done = audit(script, "http://127.0.0.1:9/v1/query")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
