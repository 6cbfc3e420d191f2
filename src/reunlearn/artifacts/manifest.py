"""manifest.json: what a job was told, which code ran, and the checksum of every output. No time, no host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from reunlearn.artifacts.code_parts import changed_parts, remember_parts
from reunlearn.artifacts.digest import FORMAT
from reunlearn.artifacts.record import read_record
from reunlearn.base.files import write_json
from reunlearn.base.hashing import sha256
from reunlearn.study.jobs import Job
from reunlearn.study.paths import MANIFEST, RECORD


class Manifest(BaseModel):
    """What a finished job was told, which code ran, and what came out: SHA-256 by file name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    specification: str
    code: str
    outputs: dict[str, str]

    @field_validator("outputs")
    @classmethod
    def _inside(cls, outputs: dict[str, str]) -> dict[str, str]:
        if any(".." in Path(name).parts or Path(name).is_absolute() for name in outputs):
            raise ValueError("an output lies outside the folder")
        return outputs


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a job's folder."""

    kind: Literal["missing", "changed", "stale"]
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def write_manifest(folder: Path, job: Job, code: str, outputs: list[str]) -> None:
    """Write the manifest of a finished job: the last of its files."""
    manifest = Manifest(
        format=FORMAT,
        specification=job.digest,
        code=code,
        outputs={name: sha256(folder / name) for name in sorted(outputs)},
    )
    remember_parts(code, job.stage, job.modules)
    write_json(folder / MANIFEST, manifest.model_dump())


def is_made(folder: Path) -> bool:
    """Tell whether a job has ended well here."""
    return (folder / MANIFEST).exists()


def read_manifest(folder: Path) -> Manifest | None:
    """Return a folder's manifest; None if there is none or it cannot be read as one."""
    try:
        return Manifest.model_validate(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None


def problems(folder: Path, job: Job, code: str, hashed: bool = True) -> list[Problem]:
    """Compare a folder with its manifest, and the manifest with what is wanted now.

    Args:
        folder: of the job.
        job: that the plan has for it.
        code: digest of the code that would run.
        hashed: read the outputs and compare their checksums; otherwise only look whether they exist.
    """
    if not (folder / MANIFEST).exists():
        return [Problem("missing", MANIFEST)]
    manifest = read_manifest(folder)
    if manifest is None:
        return [Problem("changed", f"{MANIFEST} cannot be read")]
    wrong = []
    if manifest.format != FORMAT:
        wrong.append(Problem("stale", f"written in format {manifest.format}, not {FORMAT}"))
    if manifest.specification != job.digest:
        wrong.append(Problem("stale", "made from another specification"))
    if manifest.code != code:
        names = changed_parts(manifest.code, job.stage, job.modules)
        which = ", ".join(names) if names else "of the stage or of a plugin it names"
        wrong.append(Problem("stale", f"code changed: {which}"))
    if not (folder / RECORD).exists():
        wrong.append(Problem("missing", RECORD))
    elif read_record(folder) is None:
        wrong.append(Problem("changed", f"{RECORD} cannot be read"))
    for name, digest in manifest.outputs.items():
        if not (folder / name).is_file():
            wrong.append(Problem("missing", name))
        elif hashed and sha256(folder / name) != digest:
            wrong.append(Problem("changed", name))
    return wrong
