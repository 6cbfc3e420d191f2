"""Colleagues share originals and pools by a folder, over ssh and by S3: only what differs runs, damage is noticed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.storage import dvc_project, remotes
from tests.workflow.project import EXPERIMENT, Executed, Project
from tests.workflow.test_restore import TAIL, command

pytestmark = [pytest.mark.workflow, pytest.mark.thorough]

MODELS = {"original", "retrained", "shadow"}  # what takes the time
POOLED = {**EXPERIMENT, "attacks": ["lira"], "shadows": {"halves": 10}}


@dataclass
class Shared:
    """A project whose snapshot is in a remote; `options` name it to a clone."""

    project: Project
    kind: str
    place: Path
    options: dict[str, str]

    def clone(self, name: str) -> Project:
        """Return a colleague's clone that knows the remote."""
        root = self.project.root.with_name(name)
        dvc_project.run(root.parent, "git", "clone", "--quiet", str(self.project.root), str(root))
        for key in ("email", "name"):
            dvc_project.run(root, "git", "config", f"user.{key}", "colleague@example.org")
        remotes.use(root, self.options)
        return Project(root)


def study(*methods: str) -> list[dict]:
    """Return experiments with a pool of shadow models, and these methods."""
    wanted = copy.deepcopy(POOLED)
    wanted["methods"] = [{"name": name, "settings": {"epochs": 1}} for name in methods]
    return [wanted]


def commit(project: Project, name: str) -> None:
    """Take a snapshot of a study and commit it with its configuration."""
    taken = command(project, "snapshot", study=name)
    assert (taken["unsound"], taken["not_pushed"]) == ({}, [])
    dvc_project.run(project.root, "git", "add", ".")
    dvc_project.run(project.root, "git", "commit", "--quiet", "-m", "snapshot")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> Project:
    """A finished project with a pool. Copy it."""
    project = Project.create(tmp_path_factory.mktemp("finished") / "project")
    project.write_study("tiny", study("finetune"))
    assert {stage for stage, _ in project.executed()} >= MODELS
    return project


@pytest.fixture(params=remotes.KINDS)
def shared(request: pytest.FixtureRequest, finished: Project, tmp_path: Path) -> Iterator[Shared]:
    project = finished.copy(tmp_path / "project")
    dvc_project.create(project.root)
    place = tmp_path / "remote"
    with remotes.started(request.param, place) as options:
        remotes.use(project.root, options)
        commit(project, "tiny")
        yield Shared(project, request.param, place, options)


def of_method(ran: Executed, method: str) -> bool:
    """Tell whether nothing ran but a method's rows and the report."""
    return all(f"/{method}~" in folder or stage in TAIL for stage, folder in ran)


def test_a_colleague_reruns_only_what_differs(shared: Shared) -> None:
    clone = shared.clone("colleague")
    (restored,) = command(clone, "restore", study="tiny")
    assert (restored["to_run"], restored["set_aside"], restored["complaints"]) == (0, {}, [])
    assert clone.would_run() == set()
    assert "Nothing to be done" in clone.snakemake("--dry-run").stdout
    clone.write_study("tiny", study("finetune", "neg_grad_plus"))
    ran = clone.executed()
    assert {"unlearn", "measure"} <= {stage for stage, _ in ran} and of_method(ran, "neg_grad_plus")
    clone.edit("src/reunlearn/unlearning/methods/finetune.py", r"\Z", "\nEDITED = True\n")
    differs = clone.would_run()
    assert {"unlearn", "measure"} <= {stage for stage, _ in differs} and of_method(differs, "finetune")
    said = clone.snakemake("--dry-run").stdout
    assert "unlearn" in said and not any(f"\n{stage} " in said for stage in MODELS)


def test_what_is_damaged_in_the_remote_is_named_and_made_again(shared: Shared) -> None:
    (outputs,) = shared.project.root.glob("runs/digits/*/pools/halves/*/outputs.npz")
    good, pool = outputs.read_bytes(), outputs.parent.relative_to(shared.project.root)
    known = remotes.objects(shared.kind, shared.place, shared.options)
    (name,) = [name for name, content in known.items() if content == good]
    damaged = good[:-1] + bytes([good[-1] ^ 1])
    remotes.overwrite(shared.kind, shared.place, shared.options, name, damaged)
    clone = shared.clone("colleague")
    done = clone.reunlearn("restore", "tiny", check=False)
    (line,) = [line for line in done.stdout.replace("\n ", " ").splitlines() if line.startswith("set aside ")]
    assert done.returncode == 1
    assert str(pool) in line and "holds other bytes of outputs.npz; delete " in line
    assert not (clone.root / pool / "outputs.npz").exists()
    ran = {stage for stage, _ in clone.executed()}
    assert "shadow" in ran and not ran & {"original", "retrained"}
    assert (clone.root / pool / "outputs.npz").read_bytes() == good
    assert command(clone, "verify", study="tiny")["problems"] == []


def test_two_people_s_studies_merge(shared: Shared) -> None:
    """Both add a run of their own, and both make one more run: what git cannot merge, the command does."""
    theirs = shared.clone("colleague")
    command(theirs, "restore", study="tiny")
    for project, name, method in ((shared.project, "ours", "neg_grad_plus"), (theirs, "theirs", "neg_grad")):
        project.write_study(name, study("gradient_ascent", method))
        assert not {stage for stage, _ in project.executed(study=name)} & MODELS
        commit(project, name)
    ours = shared.project.root
    dvc_project.run(ours, "git", "fetch", "--quiet", str(theirs.root), "HEAD")
    shared.project.run(["git", "merge", "--quiet", "FETCH_HEAD"], check=False)
    dvc_project.run(ours, "git", "checkout", "--ours", "runs.dvc")
    merged = command(shared.project, "snapshot", merge="MERGE_HEAD")
    assert any("/neg_grad~" in folder for folder in merged["added"])
    assert any("/gradient_ascent~" in folder for folder in merged["kept"])
    dvc_project.run(ours, "git", "add", "runs.dvc")
    dvc_project.run(ours, "git", "commit", "--quiet", "--no-edit")
    command(shared.project, "restore")
    for name in ("tiny", "ours", "theirs"):
        assert shared.project.would_run(name) == set(), name
        assert command(shared.project, "verify", study=name)["problems"] == []
