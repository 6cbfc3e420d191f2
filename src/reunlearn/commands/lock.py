"""Lock a prepared dataset: one entry of data.dvc, and the files into DVC's cache."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Any

from rich.console import Console

from reunlearn.base.errors import UserError, near
from reunlearn.storage.dvc_files import LOCK, directory_digest, read_lock
from reunlearn.storage.dvc_store import commit
from reunlearn.study import paths
from reunlearn.study.catalogue import plugin_names


def run(name: str, json: bool = False) -> int:
    """Accept the prepared files of a dataset as the right ones."""
    found = lock(name)
    if json:
        print(json_format.dumps(found, indent=1))
    else:
        Console(highlight=False, soft_wrap=True).print(
            f"{found['folder']}: {found['md5']}, {found['nfiles']} files, {found['size']} bytes: "
            + ("written to" if found["changed"] else "already in")
            + f" {LOCK}"
        )
    return 0


def lock(name: str) -> dict[str, Any]:
    """Write the entry of one dataset; those of all others stay, be their files here or not."""
    folder = Path(paths.DATA) / name
    if not folder.is_dir():
        known = plugin_names("datasets")
        hint = f"prepare it first: `reunlearn prepare {paths.RUNS}/{name}/prepared/{paths.SPECIFICATION}`"
        raise UserError(f"{folder}: no such folder; {hint if name in known else near(name, known)}")
    changed = commit(LOCK, [folder.as_posix()])
    entry = read_lock()[folder.as_posix()]
    if entry["md5"] != directory_digest(folder)["md5"]:
        raise UserError(f"{folder}: changed while it was locked, or .dvcignore names one of its files")
    about = {key: entry[key] for key in ("md5", "nfiles", "size")}
    return {"folder": folder.as_posix(), "changed": bool(changed), **about}
