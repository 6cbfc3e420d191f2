"""Python, and whether the packages are those of the lock."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reunlearn.base.files import read_text
from reunlearn.commands.printing import joined
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=20, title="environment")
LOCK, PROJECT = Path("requirements.lock"), Path("pyproject.toml")
SHOWN = 5  # names in a line
OLDEST = (3, 11)


def look(asked: Asked) -> Found:
    """Compare what is installed with the lock; a build of a version, as in 2.13.0+cpu, is that version."""
    python = f"Python {sys.version.split()[0]} in {sys.prefix}"
    if sys.version_info < OLDEST:
        yield "problem", f"{python} is older than {'.'.join(map(str, OLDEST))}", "make PYTHON=python3.11"
        return
    if not LOCK.is_file():
        yield "ok", f"{python}; no {LOCK} here to compare with", ""
        return
    pinned = pins(read_text(LOCK))
    installed = {name: installed_version(name) for name in pinned}
    absent = [name for name, found in installed.items() if found is None]
    other = [
        f"{n} {v} (lock: {pinned[n]})" for n, v in installed.items() if v and v.split("+")[0] != pinned[n]
    ]
    core = needed()
    mend = f"pip install -r {LOCK}"
    if fatal := [name for name in absent if name in core]:
        yield "problem", f"{python}: {shown(fatal)} not installed", mend
    if rest := [name for name in absent if name not in core]:
        yield "warning", f"{python}: {shown(rest)} of {LOCK} not installed; what uses them will fail", mend
    if other:
        yield "warning", f"{python}: not the versions of {LOCK}: {shown(other)}; results may differ", mend
    if not absent and not other:
        yield "ok", f"{python}: all {len(pinned)} packages as in {LOCK}", ""


def pins(text: str) -> dict[str, str]:
    """Return {package: version} of a lock file."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


def needed() -> set[str]:
    """Return the packages without which no study runs: those that the project names itself."""
    if not PROJECT.is_file():
        return set()
    project = tomllib.loads(read_text(PROJECT))["project"]
    extras = project.get("optional-dependencies", {})
    lines = [*project["dependencies"], *extras.get("attacks", ()), *extras.get("pipeline", ())]
    return {match[0] for line in lines if (match := re.match(r"[\w.-]+", line))}


def installed_version(name: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def shown(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - SHOWN
    return joined(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
