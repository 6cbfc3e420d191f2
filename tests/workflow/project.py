"""A temporary copy of the project, in which tests run the real Snakemake and edit sources."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "workflow", "config", "Snakefile", "environment.yml", "data.dvc", ".dvcignore")

RECIPE = {"source": "tests", "epochs": 2, "batch_size": 16, "learning_rate": 0.05, "schedule": "cosine"}
DATASET = {"name": "digits", "train": 40, "validation": 20}
EXPERIMENT = {
    "name": "random",
    "dataset": DATASET,
    "architecture": {"name": "small_cnn", "settings": {"width": 4}},
    "recipe": "tiny",
    "scenario": {"kind": "random", "fraction": 0.25},
    "seeds": [0],
    "methods": [
        {"name": "finetune", "settings": {"epochs": 1}},
        {"name": "gradient_ascent", "settings": {"epochs": 1}},
    ],
    "attacks": ["entropy_logistic"],
    "noise_floor": False,
    "figures": [],  # they take most of the time of a small report
}

Executed = set[tuple[str, str]]
Digests = dict[tuple[str, str], str]

DIGESTS = """
import json, sys
from reunlearn.artifacts.digest import job_digest
from reunlearn.study.plan import make_plan
jobs = make_plan(sys.argv[1]).jobs.values()
print(json.dumps([(job.stage, job.folder, job_digest(job.stage, job.modules)) for job in jobs]))
"""


class Project:
    """A project folder with a tiny study."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def create(cls, root: Path) -> Project:
        """Copy the project's sources and write the study `tiny` and its recipe."""
        root.mkdir(parents=True)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                # compiled modules stay valid: the copy keeps the times of their sources
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("*.egg-info", "*.pyc.*"))
            elif source.exists():
                shutil.copy2(source, root / name)
        cache = Path(os.environ["REUNLEARN_KNOWN_PLUGINS"])
        (root / ".reunlearn").mkdir()
        for file in cache.glob("catalogue-*.json"):  # the same sources have the same plugins
            shutil.copy2(file, root / ".reunlearn")
        project = cls(root)
        (root / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
        project.write_study("tiny", [EXPERIMENT])
        return project

    def copy(self, root: Path) -> Project:
        """Return a copy with everything that was made, file times kept."""
        shutil.copytree(self.root, root, copy_function=shutil.copy2)
        return Project(root)

    def write_study(self, name: str, experiments: list[dict[str, Any]]) -> None:
        """Write a study file."""
        content = {"name": name, "title": "A test", "experiments": experiments}
        (self.root / "config/studies" / f"{name}.yaml").write_text(yaml.safe_dump(content))

    def edit(self, path: str, pattern: str, replacement: str) -> None:
        """Replace the one place where a regular expression matches in a file."""
        file = self.root / path
        text, count = re.subn(pattern, replacement, file.read_text(), count=1)
        assert count == 1, f"{pattern!r} is not in {path}"
        file.write_text(text)

    def snakemake(
        self,
        *arguments: str,
        study: str = "tiny",
        check: bool = True,
        more: tuple[str, ...] = (),
        variables: Mapping[str, str] = {},
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in this folder; `more` are further configuration values, `variables` of the environment."""
        command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
        command += ["--cores", "2", *arguments, "--config", f"study={study}", "device=cpu", *more]
        return self.run(command, check, variables)

    def reunlearn(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line in this folder."""
        return self.run([sys.executable, "-m", "reunlearn.cli", *arguments], check)

    def environment(self) -> dict[str, str]:
        """Return the environment of commands: this folder's sources, and nothing of the tests' own."""
        hidden = ("REUNLEARN_", "MLFLOW_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        return {**kept, "PYTHONPATH": str(self.root / "src")}

    def run(
        self, command: list[str], check: bool = True, variables: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this folder with this folder's sources."""
        environment = {**self.environment(), **variables}
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}")
        return done

    def stamps(self) -> dict[str, int]:
        """Return {folder: time of its record}: the record is written anew each time a job runs."""
        found = [*self.root.glob("runs/**/record.json"), *self.root.glob("reports/**/record.json")]
        return {str(p.parent.relative_to(self.root)): p.stat().st_mtime_ns for p in found}

    def executed(self, *arguments: str, study: str = "tiny") -> Executed:
        """Run Snakemake and return the jobs it really ran, as (rule, folder)."""
        before = self.stamps()
        self.snakemake(*arguments, study=study)
        changed = [folder for folder, time in self.stamps().items() if before.get(folder) != time]
        return {(self.stage(folder), folder) for folder in changed}

    def write_specifications(self, study: str = "tiny") -> None:
        """Write what each job is told, as before a run."""
        program = "import sys; from reunlearn.study.plan import *; "
        program += "write_specifications(make_plan(sys.argv[1]).jobs.values())"
        self.run([sys.executable, "-c", program, study])

    def would_run(self, study: str = "tiny") -> Executed:
        """Return the jobs that would run, as (rule, folder): nothing is run."""
        jobs = json.loads(self.reunlearn("plan", study, "--json").stdout)["states"]
        return {(job["stage"], job["folder"]) for job in jobs if job["would_run"]}

    def digests(self, study: str = "tiny") -> Digests:
        """Return the code digest of each job of a study, by stage and folder: nothing is run."""
        done = self.run([sys.executable, "-c", DIGESTS, study])
        return {(stage, folder): digest for stage, folder, digest in json.loads(done.stdout)}

    def stage(self, folder: str) -> str:
        """Return the rule that makes a folder."""
        return json.loads((self.root / folder / "specification.json").read_text())["stage"]
