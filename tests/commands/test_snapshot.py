"""snapshot stores what is sound; lock writes one entry; both with the real DVC."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.commands import lock, snapshot
from reunlearn.storage.dvc_files import directory_digest, read_lock, read_outputs, write_outputs
from reunlearn.storage.snapshot import RUNS_FILE, output_of
from reunlearn.study.plan import Plan
from tests.commands.made import STUDY, measured, one
from tests.storage import dvc_project


@pytest.fixture
def project(plan: Plan) -> Plan:
    """The finished project inside git and DVC."""
    dvc_project.create(Path())
    return plan


def test_every_sound_folder_is_stored_and_pushed(project: Plan) -> None:
    taken = snapshot.take()
    assert read_outputs(RUNS_FILE).keys() == {output_of(job) for job in project.jobs.values()}
    assert set(taken.changed) == read_outputs(RUNS_FILE).keys()
    assert (taken.unsound, taken.not_pushed) == ({}, ())
    digests = [entry["md5"] for entry in read_outputs(RUNS_FILE).values()]
    assert all(Path("../dvc-storage/files/md5", d[:2], d[2:]).exists() for d in digests)
    assert snapshot.take(STUDY).changed == ()


def test_damaged_folder_is_named_and_its_old_entry_stays(project: Plan) -> None:
    snapshot.take(push=False)
    before = read_outputs(RUNS_FILE)
    evaluation = measured(project, "evaluation")
    Path(evaluation, "numbers.json").write_text("tampered")
    assert snapshot.run(STUDY, push=False) == 1
    assert snapshot.take(push=False).unsound.keys() == {evaluation.split("/measured/")[0]}
    assert read_outputs(RUNS_FILE) == before


def test_unfinished_study_is_stored_as_far_as_it_is(project: Plan) -> None:
    report = Path(one(project, "report"))
    for name in ("manifest.json", "results/manifest.json", "tracking/manifest.json"):
        (report / name).unlink()
    taken = snapshot.take(push=False)
    assert taken.unsound == {}
    assert str(report) not in read_outputs(RUNS_FILE)
    assert taken.recorded == len(read_outputs(RUNS_FILE)) > 3


def test_entries_of_others_stay_and_stop_nothing(project: Plan) -> None:
    dvc_project.write(Path(), {"runs/theirs/x": b"1"})
    theirs = {"runs/theirs": {**directory_digest(Path("runs/theirs")), "hash": "md5", "path": "runs/theirs"}}
    write_outputs(RUNS_FILE, theirs)
    Path("runs/theirs/x").unlink()
    Path("runs/theirs").rmdir()
    taken = snapshot.take()
    assert taken.remote is not None
    assert read_outputs(RUNS_FILE)["runs/theirs"] == theirs["runs/theirs"]
    digest = read_outputs(RUNS_FILE)[one(project, "original")]["md5"]
    assert Path("../dvc-storage/files/md5", digest[:2], digest[2:]).exists()


def test_unknown_choice_of_weights_is_refused(project: Plan) -> None:
    with pytest.raises(UserError, match="all, originals, none"):
        snapshot.take(weights="some")


def test_lock_writes_one_entry_and_needs_the_folder(project: Plan) -> None:
    other = {"data/absent": {"md5": "0.dir", "size": 1, "nfiles": 1, "hash": "md5", "path": "data/absent"}}
    write_outputs(Path("data.dvc"), other)
    locked = lock.lock("digits")
    assert locked.renewed and locked.md5 == directory_digest(Path("data/digits"))["md5"]
    assert read_lock().keys() == {"data/absent", "data/digits"}
    assert not lock.lock("digits").renewed
    with pytest.raises(UserError, match="prepare it first"):
        lock.lock("cifar10")
    with pytest.raises(UserError, match="did you mean digits"):
        lock.lock("digit")
