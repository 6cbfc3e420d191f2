"""A small finished study, and its models as a stranger's files: what `audit` is given."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from reunlearn.base.arrays import read_arrays
from reunlearn.commands.execute_plan import execute_plan
from reunlearn.study import paths
from reunlearn.study.plan import Plan, make_plan
from reunlearn.study.specs import RunSpec
from tests.workflow.project import RECIPE, ROOT

STUDY = "made"
NUMBERS = {"train": 150, "validation": 100}
EXPERIMENT = {
    "name": "random",
    "dataset": {"name": "digits", **NUMBERS},
    "architecture": {"name": "small_cnn", "settings": {"width": 6}},
    "recipe": "tiny",
    "scenario": {"kind": "random", "fraction": 0.2},
    "seeds": [0],
    "methods": [{"name": "finetune", "settings": {"epochs": 1}}],
    "attacks": ["entropy_logistic", "loss_logistic_cv"],
}


@dataclass(frozen=True)
class Own:
    """A project's folder with a finished study; its models as files, and its lists of samples."""

    root: Path
    plan: Plan
    models: dict[str, str]  # by the study's row
    forget: str
    retain: str

    def run(self, name: str) -> RunSpec:
        """Return the study's run that a file comes from."""
        (run,) = [run for run in self.plan.runs if run.row.method == name]
        return run


@contextmanager
def inside(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Work in a folder, with its own caches, on the processor."""
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REUNLEARN_STATE", str(folder / ".reunlearn"))
        patch.setenv("REUNLEARN_DEVICE", "cpu")
        patch.setenv("REUNLEARN_COMMIT", "0" * 40)
        os.chdir(folder)
        try:
            yield patch
        finally:
            os.chdir(before)


def create(folder: Path) -> Own:
    """Run a study in a new project and lay out its models and lists as files of a user's."""
    for name in ("studies", "recipes"):
        (folder / "config" / name).mkdir(parents=True)
    shutil.copytree(ROOT / "config" / "presets", folder / "config" / "presets")
    recipe = {
        **RECIPE,
        "epochs": 20,
        "augmentation": ["crop"],
        "crop_padding": 1,
        "mean": [0.3],
        "std": [0.4],
    }
    (folder / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(recipe))
    study = {"name": STUDY, "title": "Made", "experiments": [EXPERIMENT]}
    (folder / f"config/studies/{STUDY}.yaml").write_text(yaml.safe_dump(study))
    with inside(folder):
        plan = make_plan(STUDY)
        jobs = {f: job for f, job in plan.jobs.items() if job.stage not in ("report", "track")}
        execute_plan(jobs)
        models = {}
        for run in plan.runs:
            models[run.row.method] = f"{run.row.method}.safetensors"
            shutil.copyfile(Path(run.model) / "model.safetensors", models[run.row.method])
        (split,) = plan.of_stage("split")
        indices = read_arrays(Path(split.folder) / "indices.npz")
        generator = np.random.default_rng(0)  # a user's list has any order
        for name in ("forget", "retain"):
            np.save(f"{name}.npy", generator.permutation(indices[name]))
    return Own(folder, plan, models, "forget.npy", "retain.npy")


def result_of(folder: str, name: str) -> Path:
    """Return a file of a job of the study."""
    assert (Path(folder) / paths.MANIFEST).exists()
    return Path(folder) / name
