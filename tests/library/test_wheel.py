"""A wheel in an empty environment that sees its own dependencies alone: a hidden import of anything else fails."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.manual.fences import ROOT
from tests.manual.test_from_python import blocks

pytestmark = pytest.mark.thorough

SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "src", "config/presets")
SOURCE_DISTRIBUTION = "from setuptools import build_meta; build_meta.build_sdist('dist')"
CORE = """
import sys
import torch
import reunlearn
from reunlearn.library.naming import IN_WHEEL

torch.manual_seed(0)
x, y = torch.randn(60, 1, 8, 8), torch.arange(60) % 4
model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 4))
parts = {"forget": slice(0, 10), "retain": slice(10, 40), "validation": slice(40, 60)}
sets = {name: (x[part], y[part]) for name, part in parts.items()}
recipe = {"epochs": 1, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.1}
ran = 0
for line in reunlearn.methods():
    short = {key: value for key, value in {"epochs": 1, "steps": 2, "passes": 1}.items() if key in line.settings}
    more = {"state": {"initial_weights": model}, "pixels": ([0.5], [0.5]), "recipe": recipe}
    scenario = {"kind": "class", "classes": [3]} if line.scenarios else None
    if line.study_only or "batch_updates" in line.needs:
        continue
    for name in [f"{line.name}@{reading}" for reading in line.readings] or [line.name]:
        reunlearn.unlearn(model, name, settings=short, scenario=scenario, **more, **sets)
        ran += 1
assert ran > 30, ran
like, scenario = {"dataset": "digits", "recipe": "digits-small"}, {"kind": "random", "fraction": 0.2}
assert IN_WHEEL.is_dir()
assert reunlearn.unlearn(model, "salun@paper", like=like, scenario=scenario, **sets).record.preset
halves = (torch.arange(4)[:, None] // 2 + torch.arange(20)) % 2 == 0
member = {"forget": halves[:, :10], "validation": halves}
shadows = {"halves": reunlearn.Shadows(models=[model] * 4, member=member)}
for name in ("lira", "lira_offline", "rmia"):
    reunlearn.attack(model, name, shadows=shadows, **sets)
assert "sklearn" in {line.missing for line in reunlearn.attacks()}
for call in (lambda: reunlearn.attack(model, "entropy_logistic", **sets), lambda: reunlearn.load("quickstart")):
    try:
        call()
    except reunlearn.UserError as error:
        assert "pip install 'reunlearn[" in str(error), error
    else:
        raise AssertionError("a library is not missed")
"""


def built(folder: Path) -> Path:
    """Return a wheel that was built from a source distribution, as `python -m build` does, without a download."""
    project = folder / "project"
    for name in SOURCES:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
        else:
            shutil.copy2(source, target)
    if importlib.util.find_spec("build"):
        run(sys.executable, "-m", "build", "--no-isolation", cwd=project)
    else:
        run(sys.executable, "-c", SOURCE_DISTRIBUTION, cwd=project)
        (archive,) = (project / "dist").glob("*.tar.gz")
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
        source = folder / archive.name.removesuffix(".tar.gz")
        options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist")
        run(sys.executable, "-m", "pip", "wheel", *options, str(source), cwd=project)
    (wheel,) = (project / "dist").glob("*.whl")
    return wheel


def run(*command: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command without the sources of this project."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "REUNLEARN"))
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


class Environment:
    """An empty environment, in which packages of the tests' own are made visible by links."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.links = folder / "environment", folder / "links"
        run(sys.executable, "-m", "venv", "--without-pip", str(self.folder), cwd=folder)
        self.links.mkdir()
        self.python = str(self.folder / "bin/python")
        (self.site / "links.pth").write_text(f"{self.links}\n")

    @property
    def site(self) -> Path:
        """Where its packages are."""
        (site,) = (self.folder / "lib").glob("python*/site-packages")
        return site

    def pip(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the tests' own pip on it."""
        return run(sys.executable, "-m", "pip", "--python", self.python, *words, cwd=self.folder, check=check)

    def show(self, *extras: str) -> None:
        """Make visible what the wheel needs, and all that these packages need."""
        (wheel,) = self.site.glob("reunlearn-*.dist-info")
        for found in needed(Distribution.at(wheel), extras, {"reunlearn"}):
            for name in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__", "bin"}:
                link = self.links / name
                if not link.exists():
                    link.symlink_to(Path(str(found.locate_file(name))))


def needed(root: Distribution, extras: Iterable[str], seen: set[str]) -> list[Distribution]:
    """Return the distributions that one needs with these extras, those that they need, and so on."""
    found = []
    for requirement in map(Requirement, root.requires or ()):
        name, marker = canonicalize_name(requirement.name), requirement.marker
        if name in seen or not (marker is None or any(marker.evaluate({"extra": e}) for e in ("", *extras))):
            continue
        seen.add(name)
        found.append(distribution(name))
        found += needed(found[-1], requirement.extras, seen)
    return found


def test_a_wheel_runs_with_its_own_dependencies_alone(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.pip("install", "--no-deps", "--no-index", str(built(tmp_path)))
    bare = run(environment.python, "-c", "import reunlearn; reunlearn.methods()", cwd=tmp_path, check=False)
    assert "No module named" in bare.stderr  # the control: nothing of the tests' own environment is seen

    environment.show()
    assert not {"pandas", "scipy", "sklearn", "torchvision", "rich"} & {
        path.name for path in environment.links.iterdir()
    }
    environment.pip("check")
    run(environment.python, "-c", CORE, cwd=tmp_path)
    line = run(str(environment.folder / "bin/reunlearn"), "methods", cwd=tmp_path, check=False)
    assert line.returncode and line.stderr.startswith("error: the command line needs more packages")

    environment.show("attacks")
    environment.pip("check")
    assert not {"pandas", "torchvision", "rich"} & {path.name for path in environment.links.iterdir()}
    done = run(environment.python, "-c", "".join(blocks()), cwd=tmp_path)
    assert done.stdout.startswith("finished ") and (tmp_path / "unlearned.safetensors").is_file()
