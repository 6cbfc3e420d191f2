"""runs.json: the runs of a study and what every job's record says; what the report and tracking read of them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from reunlearn.artifacts.choice import Choice
from reunlearn.artifacts.record import Record
from reunlearn.base.files import write_text
from reunlearn.study.specs import RunSpec

FILE = "runs.json"


class JobResult(BaseModel):
    """A finished job: stage, digests of manifest, specification and code, and its record."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    stage: str
    manifest: str
    specification: str
    code: str
    record: Record


class Gathered(BaseModel):
    """What was run.

    Attributes:
        runs: in the order of the plan; those whose settings were searched have the chosen ones.
        jobs: finished ones, by folder.
        missing: folders of the others.
        choices: by folder, where settings were searched.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    runs: tuple[RunSpec, ...]
    jobs: dict[str, JobResult]
    missing: tuple[str, ...]
    choices: dict[str, Choice] = {}

    def write(self, folder: Path) -> None:
        """Write runs.json."""
        write_text(folder / FILE, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Gathered:
        """Read runs.json."""
        return cls.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
