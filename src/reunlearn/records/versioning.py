"""DVC: the lock of prepared datasets in data.dvc, and snapshots of runs in runs.dvc."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from reunlearn.study.errors import UserError

LOCK = Path("data.dvc")


def directory_digest(folder: Path) -> dict[str, Any]:
    """Return what DVC writes of a folder: digest of the list of (file, MD5), number of files, bytes."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    entries = [{"md5": _md5(p), "relpath": p.relative_to(folder).as_posix()} for p in files]
    entries.sort(key=lambda entry: entry["relpath"])
    digest = hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
    return {"md5": f"{digest}.dir", "nfiles": len(files), "size": sum(p.stat().st_size for p in files)}


def _md5(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def read_lock() -> dict[str, dict[str, Any]]:
    """Return {path: entry} of data.dvc."""
    if not LOCK.exists():
        return {}
    content = yaml.safe_load(LOCK.read_text()) or {}
    return {out["path"]: out for out in content.get("outs") or []}


def check_lock(target: Path, prepared: Path) -> None:
    """Compare a freshly prepared folder with the lock's entry for `target`; without an entry all is well.

    Raises:
        UserError: the bytes differ from what the lock says.
    """
    entry = read_lock().get(target.as_posix())
    if entry is None:
        return
    found = directory_digest(prepared)["md5"]
    if found != entry["md5"]:
        raise UserError(
            f"{target}: prepared bytes {found} are not those of data.dvc ({entry['md5']}); "
            f"another version of the source? `reunlearn data lock {target.name}` accepts the new ones"
        )
