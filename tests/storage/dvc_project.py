"""An empty git and DVC project in a temporary folder, for tests that ask the real DVC."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def create(folder: Path) -> Path:
    """Make the project with this repository's own DVC configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "config", "user.email", "test@example.org")
    run(folder, "git", "config", "user.name", "test")
    (folder / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        shutil.copy2(ROOT / name, folder / name)
    return folder


def run(folder: Path, *command: str) -> str:
    """Run a command in the project; return what it prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def dvc(folder: Path, *arguments: str) -> str:
    """Run DVC's command line in the project."""
    return run(folder, sys.executable, "-m", "dvc", *arguments)


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write some files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
