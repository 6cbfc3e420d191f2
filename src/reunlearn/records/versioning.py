"""data.dvc: the content lock of every prepared dataset, in DVC's own format."""

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


def read_outputs(file: Path) -> dict[str, dict[str, Any]]:
    """Return {path: entry} of a .dvc file; nothing if there is no such file."""
    if not file.exists():
        return {}
    return parse_outputs(file.read_text(encoding="utf-8"), str(file))


def parse_outputs(text: str, where: str) -> dict[str, dict[str, Any]]:
    """Return {path: entry} of a .dvc file's text."""
    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return {out["path"]: out for out in (content or {}).get("outs") or []}
    except (yaml.YAMLError, AttributeError, TypeError, KeyError):
        raise UserError(f"{where}: is not a .dvc file; an unfinished merge?") from None


def write_outputs(file: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Write a .dvc file, one entry per output in the order of their paths."""
    outs = [entries[path] for path in sorted(entries)]
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(yaml.safe_dump({"outs": outs}, sort_keys=False, width=1000), encoding="utf-8")
    partial.replace(file)


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
