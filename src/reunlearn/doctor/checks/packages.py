"""Packages that the code of a study's jobs imports, such as those of the extra `generation`."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from importlib.util import find_spec

from reunlearn.artifacts.digest import PACKAGE, module_path, reachable
from reunlearn.artifacts.meaning import imported
from reunlearn.base.files import read_text
from reunlearn.commands.printing import joined
from reunlearn.doctor.checks.environment import PROJECT
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=220, title="packages", study="must")


def look(asked: Asked) -> Found:
    """Follow the imports of all jobs that would run."""
    overview, jobs = asked.overview, asked.plans.jobs if asked.plans else {}
    waiting = [jobs[line.folder] for line in (overview.states if overview else ()) if line.would_run]
    wanted = imports_of({module for job in waiting for module in job.modules})
    absent = sorted(name for name in wanted if find_spec(name) is None)
    if absent:
        yield "problem", f"the study's code imports {joined(absent)}, not installed", how_to_install(absent)
    else:
        yield "ok", "all that the study's code imports is installed", ""


def imports_of(modules: Iterable[str]) -> set[str]:
    """Return the packages that modules, and those of ours that they import, import."""
    files = [path for name in reachable(modules) if (path := module_path(name)) is not None]
    names = {name.split(".")[0] for path in files for name in imported(path.read_bytes())}
    return names - {PACKAGE} - sys.stdlib_module_names


def how_to_install(absent: list[str]) -> str:
    """Return the command: an extra that holds all that is absent, else the whole lock."""
    extras = (
        tomllib.loads(read_text(PROJECT))["project"]["optional-dependencies"] if PROJECT.is_file() else {}
    )
    extra = next((name for name, packages in extras.items() if set(absent) <= set(packages)), None)
    whole = "pip install -r requirements.lock"
    return f'pip install -e ".[{extra}]", or {whole} for the versions that were tested' if extra else whole
