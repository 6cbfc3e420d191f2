"""Run one stage: read the specification, call the stage, write its outputs, record and manifest last."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import write_manifest
from reunlearn.artifacts.record import Stopwatch, write_record
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json

TORCH_STAGES = {"original", "retrained", "shadow", "state", "unlearn", "evaluate", "relearn"}


@dataclass
class Job:
    """What a stage gets: its specification, its folder to write to, a clock, and room for the record."""

    specification: dict[str, Any]
    folder: Path  # where outputs are written; they move to their place together when the stage ends well
    device: str = "cpu"
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    facts: dict[str, Any] = field(default_factory=dict)  # more entries for record.json

    def __getitem__(self, key: str) -> Any:
        """Return an entry of the specification."""
        return self.specification[key]

    def input(self, role: str) -> Path:
        """Return the folder of the job that plays this role."""
        return Path(self.specification["inputs"][role])

    @property
    def final_folder(self) -> str:
        """The folder's name in the project."""
        return self.specification["folder"]


def execute(stage: str, specification_path: str | Path, partial: bool = False) -> None:
    """Run a stage by its specification file. `partial` lets aggregate go on where inputs are missing."""
    path = Path(specification_path)
    if not path.exists():
        raise UserError(f"{path}: no such specification; `reunlearn plan STUDY` writes them")
    specification = read_json(path)
    if specification["stage"] != stage:
        raise UserError(f"{path}: is for the stage '{specification['stage']}', not '{stage}'")
    module = importlib.import_module(f"reunlearn.stages.{stage}")
    folder = Path(specification["folder"])
    work = folder / f".work-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    job = Job(specification, work)
    if partial:
        job.facts["partial"] = True
    threads = specification.get("training", {}).get("threads", 1)
    if stage in TORCH_STAGES:
        from reunlearn.training.device import gpu_memory, prepare_torch

        job.device = prepare_torch(threads)
    logging.info("%s %s", stage, folder)
    try:
        with job.stopwatch.section("total"):
            module.run(job)
        if job.device.startswith("cuda"):
            job.facts["peak_gpu_memory_mib"] = gpu_memory()
        _publish(job, folder, stage, threads)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    logging.info("done in %.2f s", job.stopwatch.seconds["total"])


def _publish(job: Job, folder: Path, stage: str, threads: int) -> None:
    """Move the outputs to their place; record and manifest come last."""
    outputs = sorted(str(p.relative_to(job.folder)) for p in job.folder.rglob("*") if p.is_file())
    for name in outputs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (job.folder / name).replace(folder / name)
    inputs = [f for v in job["inputs"].values() for f in ([v] if isinstance(v, str) else v)]
    write_record(folder, job.stopwatch, inputs, job.device, threads, **job.facts)
    if job.facts.get("partial"):
        return  # a report with holes is for reading; it never counts as done
    write_manifest(folder, job.specification, job_digest(stage, job["modules"]), outputs)
