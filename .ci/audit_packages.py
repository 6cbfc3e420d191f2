"""Look the pinned packages up in a database of known vulnerabilities: what is found and not accepted fails.

A machine without internet, or with an index of packages alone, cannot ask one: then one line says that nothing was
checked. pip-audit by itself calls packages that a service does not know free of vulnerabilities. So a service counts
as one that answers if it knows the vulnerabilities of an old package.

Usage: audit_packages.py [LOCK …] [-- arguments of pip-audit that name a service]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from reunlearn.base.errors import UserError
from reunlearn.base.yaml_files import read_yaml

HERE = Path(__file__).parent
ACCEPTED = HERE / "accepted-vulnerabilities.yaml"
LOCKS = ("requirements.lock", "requirements-test.lock")
SERVICES = (("--vulnerability-service", "pypi"), ("--vulnerability-service", "osv"))
KNOWN_TO_BE_BAD = "jinja2==2.10"
KEYS = {"id", "package", "reason", "date"}
ACCEPTED_FOR = timedelta(days=183)
SECONDS = 300

Dependencies = list[dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """A known vulnerability of a package: all its names, and the versions that mend it."""

    package: str
    version: str
    ids: tuple[str, ...]
    mended: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line."""
        advice = f"mended in {', '.join(self.mended)}" if self.mended else "mended in no version yet"
        return f"{self.package} {self.version}: {', '.join(self.ids)}; {advice}"


def ask(lock: Path, service: Sequence[str]) -> Dependencies | None:
    """Return what pip-audit says of each package of a lock file; None if the service does not answer."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10", *service]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        found: Dependencies = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found


def answers(service: Sequence[str]) -> bool:
    """Tell whether a service knows the vulnerabilities of an old package."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder, "control.txt")
        lock.write_text(f"{KNOWN_TO_BE_BAD}\n", encoding="utf-8")
        return any(entry.get("vulns") for entry in ask(lock, service) or [])


def accepted(today: date) -> dict[str, str]:
    """Return {id: package} of what is accepted today.

    Raises:
        UserError: an entry is not whole.
    """
    entries = read_yaml(ACCEPTED) or []
    for number, entry in enumerate(entries):
        if (
            not isinstance(entry, dict)
            or set(entry) != KEYS
            or not all(str(entry[key]).strip() for key in KEYS)
        ):
            raise UserError(f"{ACCEPTED}: {number}: an entry has {', '.join(sorted(KEYS))}, and nothing else")
    try:
        return {
            str(e["id"]): str(e["package"])
            for e in entries
            if timedelta() <= today - date.fromisoformat(str(e["date"])) <= ACCEPTED_FOR
        }
    except ValueError as error:
        raise UserError(f"{ACCEPTED}: {error}; write a date as '2026-11-30'") from None


def vulnerabilities(dependencies: Dependencies) -> list[Found]:
    """Return what is known of packages."""
    return [
        Found(
            entry["name"],
            entry["version"],
            (v["id"], *v.get("aliases", ())),
            tuple(v.get("fix_versions", ())),
        )
        for entry in dependencies
        for v in entry.get("vulns", ())
    ]


def main(words: Sequence[str]) -> int:
    """Print a line for each vulnerability that nobody accepted; return 1 if there is one."""
    split = list(words).index("--") if "--" in words else len(words)
    locks, service = words[:split] or LOCKS, words[split + 1 :]
    known = accepted(datetime.now(UTC).date())
    chosen = next((s for s in ([service] if service else SERVICES) if answers(s)), None)
    answered = [ask(Path(lock), chosen) for lock in locks] if chosen else [None]
    if any(part is None for part in answered):
        print("packages: not checked for known vulnerabilities: no database of them answers here")
        return 0
    dependencies = [entry for part in answered for entry in part or []]
    unknown = sorted(entry["name"] for entry in dependencies if "skip_reason" in entry)
    found = vulnerabilities(dependencies)
    open_ones = [v for v in found if not any(known.get(name) == v.package for name in v.ids)]
    for vulnerability in open_ones:
        print(f"packages: {vulnerability}")
    if unknown:
        print(f"packages: not checked, unknown to the database: {', '.join(unknown)}")
    for name in sorted(known.keys() - {name for v in found for name in v.ids}):
        print(f"packages: {name} is accepted in {ACCEPTED.name}, and found no more; take it out")
    checked = len(dependencies) - len(unknown)
    print(
        f"packages: {checked} checked, {len(open_ones)} known vulnerabilities, {len(found) - len(open_ones)} accepted"
    )
    return 1 if open_ones else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
