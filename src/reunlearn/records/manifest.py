"""manifest.json: what a job was told, which code ran, and the checksum of every output. No time, no host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reunlearn.records.digest import FORMAT
from reunlearn.records.files import read_json, sha256, write_json
from reunlearn.study.paths import MANIFEST, SPECIFICATION, full_digest

def write_manifest(folder: Path, specification: dict[str, Any], code: str, outputs: list[str]) -> None:
    """Write the manifest of a finished job: the last of its files."""
    content = {
        "format": FORMAT,
        "specification": full_digest(specification),
        "code": code,
        "outputs": {name: sha256(folder / name) for name in sorted(outputs)},
    }
    write_json(folder / MANIFEST, content)


def problems(folder: Path) -> list[str]:
    """Compare a folder with its manifest; return one line per output that is missing or changed."""
    path = folder / MANIFEST
    if not path.exists():
        return ["missing: manifest.json"]
    manifest = read_json(path)
    found = []
    specification = folder / SPECIFICATION
    if not specification.exists():
        found.append("missing: specification.json")
    elif full_digest(read_json(specification)) != manifest["specification"]:
        found.append("stale: made from another specification")
    for name, digest in manifest["outputs"].items():
        if not (folder / name).exists():
            found.append(f"missing: {name}")
        elif sha256(folder / name) != digest:
            found.append(f"changed: {name}")
    return found
