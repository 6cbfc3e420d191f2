"""A project in which every job of a study looks done: true manifests and records around small made-up outputs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import write_manifest
from reunlearn.artifacts.record import Stopwatch, write_record
from reunlearn.base.files import write_json
from reunlearn.base.hashing import sha256
from reunlearn.study import paths
from reunlearn.study.plan import Job, Plan, make_plan, write_specifications
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
    write_specifications(plan)
    done: set[str] = set()
    for job in plan.jobs.values():
        _make(plan, job, done)
    return plan


def write_study(experiment: dict) -> None:
    """Write the study's file."""
    content = {"name": STUDY, "title": "Made up", "experiments": [experiment]}
    Path(f"config/studies/{STUDY}.yaml").write_text(yaml.safe_dump(content))


def _make(plan: Plan, job: Job, done: set[str]) -> None:
    """Make a job after those that it reads."""
    if job.folder in done:
        return
    done.add(job.folder)
    for folder in job.input_folders:
        _make(plan, plan.jobs[folder], done)
    folder, outputs = Path(job.folder), ["result.json"]
    (folder / "result.json").write_text(job.folder)
    if job.stage in ("original", "retrained", "unlearn"):
        (folder / "model.safetensors").write_bytes(b"w" * 1000)
        outputs.append("model.safetensors")
    if job.stage == "prepare":
        data = Path(paths.data(job.specification["dataset"]))
        data.mkdir(parents=True)
        (data / "x.npy").write_bytes(b"x" * 100)
        write_json(folder / "files.json", {"x.npy": sha256(data / "x.npy")})
        outputs.append("files.json")
    write_record(folder, Stopwatch(), job.input_folders, "cpu", 1)
    write_manifest(folder, job.document, job_digest(job.stage, job.modules), outputs)


def one(plan: Plan, stage: str, part: str = "") -> str:
    """Return the folder of the one job of a stage whose folder has this part."""
    (folder,) = [job.folder for job in plan.of_stage(stage) if part in job.folder]
    return folder
