"""A project in which every job of a study looks done: true manifests and records around small made-up outputs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import described, write_manifest
from reunlearn.artifacts.record import write_record
from reunlearn.artifacts.soundness import FILES, check_inputs, write_listing
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job, PrepareJob
from reunlearn.study.plan import Plan, make_plan, write_specifications
from reunlearn.study.stages import STAGES
from tests.workflow.project import EXPERIMENT, RECIPE, ROOT

STUDY = "made"
SMALL = {**EXPERIMENT, "recipe": "made", "methods": ["finetune", "gradient_ascent"]}


def create(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Write configuration and artifacts into a folder, make it the working directory, return the plan."""
    (folder / "config" / "studies").mkdir(parents=True)
    (folder / "config" / "recipes").mkdir()
    shutil.copytree(ROOT / "config" / "presets", folder / "config" / "presets")
    (folder / "config" / "recipes" / "made.yaml").write_text(yaml.safe_dump(RECIPE))
    monkeypatch.chdir(folder)
    write_study(SMALL)
    plan = make_plan(STUDY)
    write_specifications(plan.jobs.values())
    done: set[Folder] = set()
    for job in plan.jobs.values():
        _make(plan, job, done)
    return plan


def write_study(experiment: dict, name: str = STUDY) -> None:
    """Write a study's file."""
    content = {"name": name, "title": "Made up", "experiments": [experiment]}
    Path(f"config/studies/{name}.yaml").write_text(yaml.safe_dump(content))


def _make(plan: Plan, job: Job, done: set[Folder]) -> None:
    """Make a job after those that it reads."""
    if job.folder in done:
        return
    done.add(job.folder)
    for folder in job.inputs.folders():
        _make(plan, plan.jobs[folder], done)
    folder, outputs = Path(job.folder), list(STAGES[job.stage].files)
    for name in outputs:
        (folder / name).write_bytes(b"w" * 1000 if name == "model.safetensors" else job.folder.encode())
    if isinstance(job, PrepareJob):
        data = Path(paths.data(job.dataset))
        data.mkdir(parents=True)
        (data / "x.npy").write_bytes(b"x" * 100)
        write_listing(folder / FILES, described(data, ["x.npy"]))
    write_record(
        folder,
        seconds={"total": 1.0},
        peak_memory_mib=None,
        device="cpu",
        threads=job.threads,
        facts={},
    )
    write_manifest(folder, job, job_digest(job.stage, job.modules), check_inputs(job), outputs)


def one(plan: Plan, stage: str, part: str = "") -> Folder:
    """Return the folder of the one job of a stage whose folder has this part."""
    (folder,) = [job.folder for job in plan.of_stage(stage) if part in job.folder]
    return folder


def measured(plan: Plan, measure: str, row: str = "/finetune~") -> Folder:
    """Return the folder of one measurement of a row of the table."""
    return one(plan, "measure", f"{one(plan, 'unlearn', row)}/measured/{measure}")
