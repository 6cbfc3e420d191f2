"""What a snapshot keeps, and how two of them become one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.storage import dvc_store, snapshot
from reunlearn.storage.dvc_files import read_outputs, write_outputs
from reunlearn.study.jobs import Job
from reunlearn.study.stages import stage_of
from tests.storage import dvc_project

ORIGINAL = "runs/d/net~00000000/original/train0"
ROW = "runs/d/net~00000000/unlearned/random-0.2/split0/train0/finetune~00000000/seed0"
FILES = {
    f"{folder}/{name}": b"x" for folder in (ORIGINAL, ROW) for name in ("model.safetensors", "manifest.json")
}
FILES |= {f"{ROW}/measured/evaluation/arrays.npz": b"x", f"{ROW}/.work-12/model.safetensors": b"x"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an original and a run, as the working directory."""
    root = dvc_project.create(tmp_path / "project")
    dvc_project.write(root, FILES)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("wanted", snapshot.POLICIES)
def test_dvc_leaves_out_what_we_say_it_leaves_out(project: Path, wanted: snapshot.Policy) -> None:
    snapshot.set_policy(wanted)
    assert snapshot.policy() == wanted
    dvc_store.commit(snapshot.RUNS_FILE, [ORIGINAL, ROW])
    for folder in (ORIGINAL, ROW):
        mine = [name for name in FILES if name.startswith(f"{folder}/") and ".work-" not in name]
        kept = [name for name in mine if not snapshot.leaves_out(name, wanted)]
        assert read_outputs(snapshot.RUNS_FILE)[folder]["nfiles"] == len(kept)


def test_default_keeps_the_weights_of_originals_only(project: Path) -> None:
    assert snapshot.policy() == "originals"
    assert not snapshot.leaves_out(f"{ORIGINAL}/model.safetensors", snapshot.policy())
    assert snapshot.leaves_out(f"{ROW}/model.safetensors", snapshot.policy())
    assert not snapshot.leaves_out(f"{ROW}/measured/evaluation/arrays.npz", "none")


def test_own_lines_of_dvcignore_stay(project: Path) -> None:
    with snapshot.IGNORE_FILE.open("a") as file:
        file.write("/mine\n")
    before = snapshot.IGNORE_FILE.read_text()
    snapshot.set_policy("all")
    assert "/mine\n" in snapshot.IGNORE_FILE.read_text()
    assert "safetensors\n" not in snapshot.IGNORE_FILE.read_text()
    snapshot.set_policy("originals")
    assert sorted(snapshot.IGNORE_FILE.read_text().splitlines()) == sorted(before.splitlines())


@pytest.mark.parametrize(
    ("folder", "output"),
    [
        (ORIGINAL, ORIGINAL),
        (ROW, ROW),
        (f"{ROW}/measured/evaluation", ROW),
        (f"{ROW}/measured/loss", ROW),
        ("reports/s/results", "reports/s"),
        ("reports/s", "reports/s"),
        ("reports/s/tracking", "reports/s"),
    ],
)
def test_a_run_is_one_output_and_so_is_a_report(folder: str, output: str) -> None:
    assert snapshot.output_of(Job(stage_of(folder).name, folder)) == output


def test_merge_takes_what_only_they_have_and_keeps_ours(project: Path) -> None:
    dvc_store.commit(snapshot.RUNS_FILE, [ORIGINAL, ROW])
    dvc_project.run(project, "git", "add", "runs.dvc")
    dvc_project.run(project, "git", "commit", "--quiet", "-m", "theirs")
    theirs = read_outputs(snapshot.RUNS_FILE)
    ours = {ROW: theirs[ROW] | {"md5": "other.dir"}, "reports/s": {"md5": "s.dir", "path": "reports/s"}}
    write_outputs(snapshot.RUNS_FILE, ours)
    assert snapshot.merge("HEAD") == snapshot.Merge(added=(ORIGINAL,), kept=(ROW,))
    assert read_outputs(snapshot.RUNS_FILE) == ours | {ORIGINAL: theirs[ORIGINAL]}
    assert snapshot.merge("HEAD") == snapshot.Merge(added=(), kept=(ROW,))


def test_merge_with_nothing_is_an_error(project: Path) -> None:
    with pytest.raises(UserError, match="neither a file nor a git revision"):
        snapshot.merge("no-such-thing")


SHARED = ROW.replace("finetune", "salun")


def add_runs(root: Path, monkeypatch: pytest.MonkeyPatch, **rows: bytes) -> None:
    """Add a run per method in a clone, with these bytes as its record, and commit the snapshot."""
    monkeypatch.chdir(root)
    folders = {ROW.replace("finetune", method): content for method, content in rows.items()}
    dvc_project.write(root, {f"{folder}/record.json": content for folder, content in folders.items()})
    dvc_store.commit(snapshot.RUNS_FILE, list(folders))
    dvc_project.run(root, "git", "add", "runs.dvc")
    dvc_project.run(root, "git", "commit", "--quiet", "-m", "snapshot")


def test_two_people_s_snapshots_merge_in_git(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/snapshots.md says: both added runs, and both made one run, on hosts of their own."""
    dvc_project.run(project, "git", "add", ".")
    add_runs(project, monkeypatch, finetune=b"common")
    theirs = tmp_path / "theirs"
    dvc_project.run(tmp_path, "git", "clone", "--quiet", str(project), str(theirs))
    for name in ("email", "name"):
        dvc_project.run(theirs, "git", "config", f"user.{name}", "theirs@example.org")
    add_runs(project, monkeypatch, lur=b"ours", salun=b"made here")
    add_runs(theirs, monkeypatch, pgu=b"theirs", salun=b"made there")
    our_entries, their_entries = (read_outputs(root / "runs.dvc") for root in (project, theirs))
    monkeypatch.chdir(project)
    dvc_project.run(project, "git", "fetch", "--quiet", str(theirs), "HEAD")
    merged = subprocess.run(["git", "merge", "--quiet", "FETCH_HEAD"], capture_output=True, check=False)
    assert merged.returncode == 1, "control: git alone cannot do it"
    with pytest.raises(UserError, match="an unfinished merge"):
        read_outputs(snapshot.RUNS_FILE)
    dvc_project.run(project, "git", "checkout", "--quiet", "--ours", "runs.dvc")
    done = snapshot.merge("MERGE_HEAD")
    assert done == snapshot.Merge(added=(ROW.replace("finetune", "pgu"),), kept=(SHARED,))
    dvc_project.run(project, "git", "add", "runs.dvc")
    dvc_project.run(project, "git", "commit", "--quiet", "--no-edit")
    assert read_outputs(snapshot.RUNS_FILE) == their_entries | our_entries
    dvc_project.run(theirs, "git", "pull", "--quiet", "--ff-only", str(project), "HEAD")
    assert read_outputs(theirs / "runs.dvc") == their_entries | our_entries, (
        "they have it without a second merge"
    )
