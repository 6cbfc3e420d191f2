"""List, then remove, runs that no study names, and checkpoints that nobody will resume. Data are never touched."""

from __future__ import annotations

import json as json_format
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console

from reunlearn.study import paths
from reunlearn.study.load import names
from reunlearn.study.plan import make_plan

MIB = 2**20
COMMITTED = Path(paths.REPORTS) / "reference"  # in git, made elsewhere


def run(yes: bool = False, json: bool = False) -> int:
    """List what can go; with `yes`, remove it."""
    found = find()
    if yes:
        for entry in found:
            remove(entry)
    if json:
        print(json_format.dumps({"removed": yes, "found": found}, indent=1))
    else:
        show(found, yes)
    return 0


def find() -> list[dict[str, Any]]:
    """Return the folders that can go: what they are, where, their bytes.

    Every study in config/studies is planned first; a study that cannot be read stops it all.
    """
    planned = {folder for study in names("studies") for folder in make_plan(study).jobs}
    found = [_entry("run", folder, planned) for folder in _made() if folder.as_posix() not in planned]
    return found + [_entry("checkpoint", folder, set()) for folder in _stale_checkpoints(planned)]


def _made() -> list[Path]:
    """Return every folder under runs/ and reports/ that holds a specification."""
    roots = (Path(paths.RUNS), Path(paths.REPORTS))
    folders = sorted(p.parent for root in roots for p in root.rglob(paths.SPECIFICATION))
    return [folder for folder in folders if not folder.is_relative_to(COMMITTED)]


def _stale_checkpoints(planned: set[str]) -> list[Path]:
    """Return checkpoints of jobs that are done or planned no more."""
    root = paths.checkpoint("")
    kept = {folder for folder in planned if not (Path(folder) / paths.MANIFEST).exists()}
    folders = {p.parent for p in root.rglob("*") if p.is_file()}
    return sorted(f for f in folders if not _lies_in(f.relative_to(root), kept))


def _lies_in(folder: Path, planned: set[str]) -> bool:
    return any(part.as_posix() in planned for part in (folder, *folder.parents))


def _entry(kind: str, folder: Path, planned: set[str]) -> dict[str, Any]:
    files = _own_files(folder, planned)
    return {"kind": kind, "folder": folder.as_posix(), "bytes": sum(p.stat().st_size for p in files)}


def _own_files(folder: Path, planned: set[str]) -> list[Path]:
    """Return the files below a folder that belong to it: what lies in a job's folder below belongs to that job."""
    own = []
    for path in sorted(folder.iterdir()):
        if path.is_file() or path.is_symlink():
            own.append(path)
        elif path.as_posix() not in planned and not (path / paths.SPECIFICATION).exists():
            own += _own_files(path, planned)
    return own


def remove(entry: dict[str, Any]) -> None:
    """Remove a folder's own files, its log, and the folders that are empty then."""
    folder = Path(entry["folder"])
    if entry["kind"] == "checkpoint":
        shutil.rmtree(folder)
    else:
        for path in _own_files(folder, set()):
            path.unlink()
        paths.log(entry["folder"]).unlink(missing_ok=True)
    below = sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True) if folder.exists() else []
    for empty in (*below, folder, *folder.parents):
        if empty.is_dir() and len(empty.parts) > 1 and not any(empty.iterdir()):
            empty.rmdir()


def show(found: list[dict[str, Any]], removed: bool) -> None:
    """Print one line per folder, then the sum."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for entry in found:
        console.print(f"{entry['bytes'] / MIB:8.1f} MiB  {entry['kind']:10}  {entry['folder']}")
    total = sum(entry["bytes"] for entry in found) / MIB
    end = "removed" if removed else "can go; `reunlearn gc --yes` removes them"
    console.print(f"{len(found)} folders, {total:.1f} MiB: {end}" if found else "nothing to remove")
