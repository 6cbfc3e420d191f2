"""manifest.json: what a job was told, which code ran, and the checksum of every output. No time, no host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reunlearn.artifacts.code_parts import changed_parts, remember_parts
from reunlearn.artifacts.digest import FORMAT
from reunlearn.base.files import write_json
from reunlearn.base.hashing import full_digest, sha256
from reunlearn.study.paths import MANIFEST, RECORD

KEYS = {"format", "specification", "code", "outputs"}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a job's folder."""

    kind: Literal["missing", "changed", "stale"]
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def write_manifest(folder: Path, specification: dict[str, Any], code: str, outputs: list[str]) -> None:
    """Write the manifest of a finished job: the last of its files."""
    content = {
        "format": FORMAT,
        "specification": full_digest(specification),
        "code": code,
        "outputs": {name: sha256(folder / name) for name in sorted(outputs)},
    }
    remember_parts(code, specification["stage"], specification["modules"])
    write_json(folder / MANIFEST, content)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return a folder's manifest; None if there is none or it cannot be read as one."""
    content = _read(folder / MANIFEST)
    if content is None or content.keys() != KEYS or not isinstance(content["outputs"], dict):
        return None
    inside = all(".." not in Path(name).parts and not Path(name).is_absolute() for name in content["outputs"])
    return content if inside else None


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return a folder's record; None if there is none or it cannot be read as one."""
    content = _read(folder / RECORD)
    return content if content is not None and content.keys() >= {"inputs", "seconds", "versions"} else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def problems(folder: Path, specification: dict[str, Any], code: str, hashed: bool = True) -> list[Problem]:
    """Compare a folder with its manifest, and the manifest with what is wanted now.

    Args:
        folder: of the job.
        specification: that the plan has for it.
        code: digest of the code that would run.
        hashed: read the outputs and compare their checksums; otherwise only look whether they exist.
    """
    if not (folder / MANIFEST).exists():
        return [Problem("missing", MANIFEST)]
    manifest = read_manifest(folder)
    if manifest is None:
        return [Problem("changed", f"{MANIFEST} cannot be read")]
    found = []
    if manifest["format"] != FORMAT:
        found.append(Problem("stale", f"written in format {manifest['format']}, not {FORMAT}"))
    if manifest["specification"] != full_digest(specification):
        found.append(Problem("stale", "made from another specification"))
    if manifest["code"] != code:
        names = changed_parts(manifest["code"], specification["stage"], specification["modules"])
        which = ", ".join(names) if names else "of the stage or of a plugin it names"
        found.append(Problem("stale", f"code changed: {which}"))
    if not (folder / RECORD).exists():
        found.append(Problem("missing", RECORD))
    elif read_record(folder) is None:
        found.append(Problem("changed", f"{RECORD} cannot be read"))
    for name, digest in manifest["outputs"].items():
        if not (folder / name).is_file():
            found.append(Problem("missing", name))
        elif hashed and sha256(folder / name) != digest:
            found.append(Problem("changed", name))
    return found
