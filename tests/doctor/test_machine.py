"""What is looked at on the machine itself: folder, packages, GPU, disk and memory, locks, mirror, configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reunlearn.commands import running
from reunlearn.data.sources import MIRROR
from reunlearn.doctor.checks import config, environment, folder, gpu, locks, mirror
from reunlearn.doctor.published import files_of
from reunlearn.study.catalogue import catalogue
from tests.doctor.looking import look, states
from tests.workflow.project import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's configuration in a folder of its own, as the working directory."""
    place = tmp_path / "project"
    place.mkdir()
    shutil.copytree(ROOT / "config", place / "config")
    for name in ("Snakefile", "requirements.lock", "pyproject.toml", "data.dvc"):
        shutil.copy2(ROOT / name, place / name)
    monkeypatch.chdir(place)
    monkeypatch.setenv("REUNLEARN_STATE", ".reunlearn")
    return place


def test_the_folder_is_a_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(look(folder)) == ["ok"]
    braces = project.rename(project.with_name("pro{ject}"))
    monkeypatch.chdir(braces)
    assert states(look(folder)) == ["problem"]
    monkeypatch.chdir(project.parent)
    (outside,) = look(folder)
    assert outside.state == "problem" and "no folder of this project" in outside.text


def test_the_environment_is_that_of_the_lock(project: Path) -> None:
    (same,) = look(environment)
    assert same.state == "ok" and same.text.endswith("packages as in requirements.lock")
    lock = project / "requirements.lock"
    numpy = next(line for line in lock.read_text().splitlines() if line.startswith("numpy=="))
    lock.write_text(lock.read_text().replace(numpy, "numpy==1.0"))
    (other,) = look(environment)
    assert other.state == "warning" and f"numpy {numpy.removeprefix('numpy==')} (lock: 1.0)" in other.text
    lock.write_text("reunlearn-has-no-such-package==1.0\n")
    (absent,) = look(environment)
    assert absent.state == "warning" and "reunlearn-has-no-such-package" in absent.text
    (project / "pyproject.toml").write_text(
        '[project]\ndependencies = ["reunlearn-has-no-such-package>=1"]\n'
    )
    (fatal,) = look(environment)
    assert fatal.state == "problem" and fatal.mend == "pip install -r requirements.lock"


def test_a_build_of_a_version_is_that_version(project: Path) -> None:
    (project / "requirements.lock").write_text("torch==2.13.0\n")
    assert states(look(environment)) == ["ok"]


def test_torch_is_read_as_torch_says_itself() -> None:
    program = "import torch; print(torch.version.cuda)"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert str(gpu.built_for(gpu.version_file())) == said
    assert gpu.built_for("cuda: Optional[str] = '12.8'\n") == "12.8"
    assert gpu.built_for("cuda: Optional[str] = None\nhip: Optional[str] = '6.0'\n") is None


def test_a_run_that_goes_on_is_told_from_one_that_was_killed(project: Path) -> None:
    assert [f.text for f in look(locks)] == ["nothing runs here"]
    (project / ".snakemake/locks").mkdir(parents=True)
    (project / ".snakemake/locks/0.input.lock").write_text("")
    assert [f.state for f in look(locks)] == ["ok"]
    program = "from reunlearn.commands.running import register; register(); print('registered', flush=True); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "registered\n"
        (project / ".snakemake/locks/0.input.lock").write_text("")
        (found,) = look(locks)
        assert found.state == "warning" and f"process {other.pid} on " in found.text
        other.kill()
    (left,) = look(locks)
    assert left.state == "ok" and "which the next run removes" in left.text
    assert [p.state for p in running.registered()] == ["ended"], "looking removes nothing"
    (project / ".reunlearn/running/another-machine-7").write_text("")
    (elsewhere,) = look(locks)
    assert elsewhere.state == "warning" and "process 7 on another-machine" in elsewhere.text


def test_a_mirror_holds_what_lies_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    assert states(look(mirror)) == ["ok"]
    monkeypatch.setenv(MIRROR, str(tmp_path / "absent"))
    assert states(look(mirror)) == ["problem"]
    place = tmp_path / "mirror"
    (place / "cifar-10-batches-py").mkdir(parents=True)
    monkeypatch.setenv(MIRROR, str(place))
    assert states(look(mirror)) == ["warning"]
    (place / "cifar-10-batches-py/data_batch_1").write_bytes(b"")
    (place / "imagenette2-160.tgz").write_bytes(b"")
    (found,) = look(mirror)
    assert found.state == "ok" and f"{place} holds cifar10, imagenette; not " in found.text


def test_what_is_published_is_found_for_every_dataset() -> None:
    with_files = {name for name in catalogue().datasets if files_of(name)}
    others = {name for name, card in catalogue().datasets.items() if card.needs_folder or card.drawn}
    assert with_files == set(catalogue().datasets) - others - {"digits"}
    assert len(files_of("goemotions")) == 3  # its two parts, and the tokens


def test_a_broken_file_of_the_configuration_is_one_line(project: Path) -> None:
    assert states(look(config)) == ["ok"]
    (project / "config/recipes/digits-small.yaml").write_text("epochs: [\n")
    (project / "config/studies/mine.yaml").write_text("name: mine\ntitel: x\nexperiments: []\n")
    (project / "data.dvc").write_text("<<<<<<< ours\n")
    found = look(config)
    assert states(found) == 3 * ["problem"]
    for name in ("config/recipes/digits-small.yaml", "config/studies/mine.yaml", "data.dvc"):
        assert sum(f.text.startswith(name) for f in found) == 1, found
    assert all("\n" not in f.text for f in found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_a_problem(project: Path) -> None:
    project.chmod(0o500)
    assert states(look(folder)) == ["problem"]
