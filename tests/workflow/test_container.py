"""Jobs in containers: what the image holds, what the rules say; where Apptainer and an image are, the same bits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from reunlearn import worker
from tests.workflow.project import ROOT, Project

pytestmark = pytest.mark.workflow
IMAGE = "workflow/container/reunlearn.sif"
DEFINITION = ROOT / "workflow/container/reunlearn.def"
CONTAINED = ("--software-deployment-method", "apptainer")
ACTIVATED = "Activating singularity image"  # Snakemake's line for each job
APPTAINER = shutil.which("apptainer") is not None


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return all that a command printed."""
    return done.stdout + done.stderr


def section(name: str) -> str:
    """Return a section of the definition."""
    return re.split(r"^%", DEFINITION.read_text().partition(f"\n%{name}\n")[2], flags=re.M)[0]


def test_the_image_holds_the_packages_of_the_lock() -> None:
    (source, place) = section("files").split()
    assert source == "requirements.lock"
    folder = Path(worker.IN_CONTAINER).parents[1]
    assert f"python3 -m venv {folder}\n" in section("post")
    (install,) = [line for line in section("post").splitlines() if "pip install" in line]
    assert install.split()[0] == f"{folder}/bin/pip" and install.split()[-2:] == ["-r", place]
    assert "==" not in section("post"), "versions stand in the lock alone"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("contained") / "project")


def test_without_the_image_nothing_starts(project: Project) -> None:
    (project.root / IMAGE).unlink(missing_ok=True)
    done = project.snakemake("--dry-run", *CONTAINED, check=False)
    assert done.returncode != 0
    assert (
        f"{IMAGE}: no such file; build it: apptainer build {IMAGE} workflow/container/reunlearn.def"
        in said(done)
    )
    assert "original" in said(project.snakemake("--dry-run")), "control: only containers need it"


@pytest.mark.skipif(APPTAINER, reason="Apptainer is here")
def test_without_apptainer_snakemake_says_so_before_any_job(project: Project) -> None:
    (project.root / IMAGE).write_bytes(b"")
    done = project.snakemake(*CONTAINED, check=False)
    assert done.returncode != 0 and "apptainer or singularity command" in said(done)
    assert not (project.root / "data").exists()


@pytest.mark.cluster
@pytest.mark.skipif(
    not APPTAINER or not os.environ.get("REUNLEARN_IMAGE"),
    reason="needs Apptainer, and REUNLEARN_IMAGE: an image",
)
def test_in_containers_the_bits_are_the_same(project: Project, tmp_path: Path) -> None:
    inside = project.copy(tmp_path / "inside")
    (inside.root / IMAGE).unlink(missing_ok=True)
    (inside.root / IMAGE).symlink_to(os.environ["REUNLEARN_IMAGE"])
    assert ACTIVATED in said(inside.snakemake(*CONTAINED))
    here = project.copy(tmp_path / "here")
    assert ACTIVATED not in said(here.snakemake())
    files = [
        path.relative_to(here.root)
        for path in here.root.glob("runs/**/*")
        if path.suffix in (".npz", ".safetensors")
    ]
    assert len(files) > 10
    for file in files:  # of an .npz the arrays: another Python's zip headers are other bytes
        assert same(here.root / file, inside.root / file), file


def same(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same weights or the same arrays, to the bit."""
    if one.suffix == ".safetensors":
        return one.read_bytes() == other.read_bytes()
    first, second = np.load(one), np.load(other)
    return set(first) == set(second) and all(first[k].tobytes() == second[k].tobytes() for k in first)
