"""A folder against its manifest, and the manifest against what is wanted now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from reunlearn.artifacts.code_parts import changed_parts
from reunlearn.artifacts.digest import FORMAT
from reunlearn.artifacts.manifest import Manifest, Output, Outputs, is_made, read_manifest
from reunlearn.artifacts.record import read_record
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json, write_bytes
from reunlearn.base.hashes import file_hashes
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.paths import MANIFEST, RECORD, SPECIFICATION, data_of

FILES = "files.json"  # of a prepared dataset: what lies in its folder under data/
AGAIN = "`make reproduce VERIFY=1` with its study makes it again"
_LISTING = TypeAdapter(Outputs)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a job's folder."""

    kind: Literal["missing", "changed", "stale"]
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def problems(
    folder: Path, manifest: Manifest | None, job: Job, code: str, hashed: bool = True
) -> list[Problem]:
    """Compare a folder with its manifest, and the manifest with what is wanted now.

    Args:
        folder: of the job.
        manifest: that lies there; None if there is none or it cannot be read.
        job: that the plan has for it.
        code: digest of the code that would run.
        hashed: compare the checksums of the outputs; otherwise only their sizes.
    """
    if not is_made(folder):
        return [Problem("missing", MANIFEST)]
    bad = [*_unreadable(folder), *([MANIFEST] if manifest is None else [])]
    wrong = [Problem("changed", f"{name} cannot be read") for name in bad]
    if manifest is None:
        return wrong
    wrong += _stale(manifest, job, code)
    if not (folder / RECORD).exists():
        wrong.append(Problem("missing", RECORD))
    return wrong + differing(folder, manifest.outputs, hashed)


def unreadable(folder: Path) -> list[str]:
    """Return which of specification, manifest, record and a dataset's listing are there but cannot be read."""
    bad = is_made(folder) and read_manifest(folder) is None
    return [*_unreadable(folder), *([MANIFEST] if bad else [])]


def _unreadable(folder: Path) -> list[str]:
    return [name for name, reads in READERS.items() if (folder / name).exists() and not reads(folder)]


def _has_specification(folder: Path) -> bool:
    try:
        return isinstance(read_json(folder / SPECIFICATION), dict)
    except (OSError, ValueError):
        return False


def _has_listing(folder: Path) -> bool:
    try:
        return bool(read_listing(folder / FILES))
    except (OSError, ValueError):
        return False


READERS: dict[str, Callable[[Path], object]] = {
    SPECIFICATION: _has_specification,
    RECORD: read_record,
    FILES: _has_listing,
}


def _stale(manifest: Manifest, job: Job, code: str) -> Iterator[Problem]:
    if manifest.format != FORMAT:
        yield Problem("stale", f"written in format {manifest.format}, not {FORMAT}")
    if manifest.specification != job.digest:
        yield Problem("stale", "made from another specification")
    if manifest.code != code:
        names = changed_parts(manifest.code, job.stage, job.modules)
        which = ", ".join(names) if names else "of the stage or of a plugin it names"
        yield Problem("stale", f"code changed: {which}")


def differing(folder: Path, outputs: Outputs, hashed: bool) -> list[Problem]:
    """Return the files that are missing, or of another size, or, if `hashed`, of another checksum."""
    wrong = {name: problem for name, output in outputs.items() if (problem := _size(folder / name, output))}
    there = [name for name in outputs if name not in wrong] if hashed else []
    digests = file_hashes(folder, there) if there else {}
    for name in there:
        if digests[name] != outputs[name].sha256:
            wrong[name] = "changed"
    return [Problem(wrong[name], name) for name in outputs if name in wrong]


def _size(path: Path, output: Output) -> Literal["missing", "changed"] | None:
    """Return what is wrong with a file as far as its size tells."""
    if not path.is_file():
        return "missing"
    return None if path.stat().st_size == output.size else "changed"


def data_problems(prepared: Folder, hashed: bool) -> list[Problem]:
    """Compare the files of a prepared dataset with what its preparation left; `prepared`: folder of that job."""
    listing, data = Path(prepared) / FILES, Path(data_of(prepared))
    try:
        files = read_listing(listing)
    except (OSError, ValueError):
        return []  # named already: it is missing, or cannot be read
    return [Problem(p.kind, f"{data / p.what}") for p in differing(data, files, hashed)]


def read_listing(path: Path) -> Outputs:
    """Return what files.json says of a prepared dataset."""
    return _LISTING.validate_json(path.read_text(encoding="utf-8"))


def write_listing(path: Path, files: Outputs) -> None:
    """Write files.json."""
    write_bytes(path, _LISTING.dump_json(files, indent=1) + b"\n")


def check_inputs(job: Job) -> dict[Folder, str]:
    """Return the content of each folder that a job reads, if all are what their manifests say.

    Checksums are remembered: a file that has not changed since is not read for this.

    Raises:
        UserError: one is not; the line names it.
    """
    opened, contents = set(job.inputs.opened()), {}
    for folder in job.inputs.folders():
        manifest = read_manifest(Path(folder))
        if manifest is None:
            raise UserError(f"{folder}: {MANIFEST} is missing or cannot be read; {AGAIN}")
        wrong = differing(Path(folder), manifest.outputs, hashed=True) if folder in opened else []
        if folder == getattr(job.inputs, "data", None):
            wrong += data_problems(folder, hashed=True)
        if wrong:
            raise UserError(f"{folder}: {'; '.join(map(str, wrong))}; {AGAIN}")
        contents[folder] = manifest.content
    return contents
