"""data.dvc: the content lock of every prepared dataset, in DVC's own format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from reunlearn.base.errors import UserError
from reunlearn.base.files import write_text
from reunlearn.base.hashing import md5, md5_of_bytes
from reunlearn.base.yaml_files import parse_yaml

LOCK = Path("data.dvc")


def directory_digest(folder: Path) -> dict[str, Any]:
    """Return what DVC writes of a folder: digest of the list of (file, MD5), number of files, bytes."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    entries = [{"md5": md5(p), "relpath": p.relative_to(folder).as_posix()} for p in files]
    entries.sort(key=lambda entry: entry["relpath"])
    digest = md5_of_bytes(json.dumps(entries, sort_keys=True).encode())
    return {"md5": f"{digest}.dir", "nfiles": len(files), "size": sum(p.stat().st_size for p in files)}


def read_outputs(file: Path) -> dict[str, dict[str, Any]]:
    """Return {path: entry} of a .dvc file; nothing if there is no such file."""
    if not file.exists():
        return {}
    return parse_outputs(file.read_text(encoding="utf-8"), str(file))


def parse_outputs(text: str, where: str) -> dict[str, dict[str, Any]]:
    """Return {path: entry} of a .dvc file's text."""
    try:
        content = parse_yaml(text, where)
        return {out["path"]: out for out in (content or {}).get("outs") or []}
    except (UserError, AttributeError, TypeError, KeyError):
        raise UserError(f"{where}: is not a .dvc file; an unfinished merge?") from None


def write_outputs(file: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Write a .dvc file, one entry per output in the order of their paths."""
    outs = [entries[path] for path in sorted(entries)]
    write_text(file, yaml.safe_dump({"outs": outs}, sort_keys=False, width=1000))


def read_lock() -> dict[str, dict[str, Any]]:
    """Return {path: entry} of data.dvc."""
    return read_outputs(LOCK)


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
