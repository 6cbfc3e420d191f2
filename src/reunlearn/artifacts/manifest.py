"""manifest.json: what a job was told, which code ran, what it read and what came out. No time, no host."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from reunlearn.artifacts.code_parts import remember_parts
from reunlearn.artifacts.digest import FORMAT
from reunlearn.base.files import write_text
from reunlearn.base.hashes import file_hashes
from reunlearn.base.hashing import full_digest
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.paths import MANIFEST


class Output(BaseModel):
    """A file that came out: bytes and SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    size: int
    sha256: str


Outputs = dict[str, Output]  # by file name


class Manifest(BaseModel):
    """What a finished job was told, which code ran, what it read and what came out.

    Attributes:
        format: of everything that jobs write.
        specification: digest of the job.
        code: digest of the code.
        inputs: by folder, the content that it had when it was read.
        outputs: by file name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    format: int
    specification: str
    code: str
    inputs: dict[Folder, str]
    outputs: Outputs

    @field_validator("outputs")
    @classmethod
    def _inside(cls, outputs: Outputs) -> Outputs:
        if any(".." in Path(name).parts or Path(name).is_absolute() for name in outputs):
            raise ValueError("an output lies outside the folder")
        return outputs

    @functools.cached_property
    def content(self) -> str:
        """Digest of the outputs: the same bits have the same content, whatever code wrote them."""
        return full_digest({name: output.sha256 for name, output in self.outputs.items()})[:16]


def write_manifest(
    folder: Path, job: Job, code: str, inputs: Mapping[Folder, str], outputs: list[str]
) -> None:
    """Write the manifest of a finished job: the last of its files.

    Args:
        folder: of the job.
        job: its specification.
        code: digest of the code that ran.
        inputs: content of each folder that it read.
        outputs: names of what it made.
    """
    manifest = Manifest(
        format=FORMAT,
        specification=job.digest,
        code=code,
        inputs=dict(sorted(inputs.items())),
        outputs=described(folder, outputs),
    )
    remember_parts(code, job.stage, job.modules)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def described(folder: Path, names: list[str]) -> Outputs:
    """Return size and SHA-256 of some files of a folder."""
    digests = file_hashes(folder, names)
    return {name: Output(size=(folder / name).stat().st_size, sha256=digests[name]) for name in sorted(names)}


def is_made(folder: Path) -> bool:
    """Tell whether a job has ended well here."""
    return (folder / MANIFEST).exists()


def read_manifest(folder: Path) -> Manifest | None:
    """Return a folder's manifest; None if there is none or it cannot be read as one."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None
