"""A project as a user has it: `make` and `.venv/bin` work, and `quickstart` is small."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

from tests.workflow.project import ROOT, Project

PROGRAMS = {
    "reunlearn": "-m reunlearn.cli",
    "snakemake": "-m snakemake",
    "dvc": "-m dvc",
    "mlflow": "-m mlflow",
    "pytest": "-m pytest",
    "python": "",
}
FILES = ("Makefile", "requirements.lock", "requirements-test.lock", "pyproject.toml", "mkdocs.yml")
FOLDERS = ("docs", "benchmarks", "reports")


def make_usable(project: Project) -> None:
    """Give a project what `make` looks for, and programs that run its sources with this environment's packages."""
    for name in FILES:
        shutil.copy2(ROOT / name, project.root)
    programs = project.root / ".venv/bin"
    programs.mkdir(parents=True)
    for name, module in PROGRAMS.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (programs / name).chmod(0o755)
    place(project)


def place(project: Project) -> None:
    """Tell `make` that the environment belongs to this folder, and is as new as the locks."""
    (project.root / ".venv/.place").write_text(str(project.root))
    for name in (".ready", ".ready-test"):
        (project.root / ".venv" / name).touch()


def small_quickstart(project: Project) -> None:
    """Put a study of one small experiment in the place of quickstart: its runs are those of the study `tiny`."""
    file = project.root / "config/studies/tiny.yaml"
    content = yaml.safe_load(file.read_text()) | {"name": "quickstart", "title": "Unlearning digits"}
    (project.root / "config/studies/quickstart.yaml").write_text(yaml.safe_dump(content))


def variables(project: Project) -> dict[str, str]:
    """Return the variables of a user's shell in a project."""
    path = f"{project.root / '.venv/bin'}:{project.environment()['PATH']}"
    return {"PATH": path, "HOME": str(Path.home()), "CORES": "2"}
