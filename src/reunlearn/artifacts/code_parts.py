"""Which modules a code digest stood for, kept in the cache: so that `why` can name the one that changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from reunlearn.artifacts.digest import job_parts
from reunlearn.base.caches import state_dir, write_cache
from reunlearn.base.files import read_json


def remember_parts(code: str, stage: str, modules: Sequence[str]) -> None:
    """Keep the parts of the digest of the code that has just run."""
    path = _file(code)
    if path.exists():
        return
    write_cache(path, json.dumps(job_parts(stage, modules)))


def changed_parts(code: str, stage: str, modules: Sequence[str]) -> list[str]:
    """Return the modules that differ from those of an earlier digest; none if it is not known here."""
    try:
        before = read_json(_file(code))
    except (OSError, ValueError):
        return []
    now = job_parts(stage, modules)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _file(code: str) -> Path:
    return state_dir() / "codes" / f"{code}.json"
