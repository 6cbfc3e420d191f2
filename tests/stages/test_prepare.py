"""Preparing a dataset: same bytes twice, nothing half-written, what the lock knows is kept."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.artifacts.soundness import read_listing
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.base.hashing import sha256
from reunlearn.data.folder import scan
from reunlearn.data.prepared import read
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Source
from reunlearn.stages import prepare
from reunlearn.stages.execution import Context
from reunlearn.storage.dvc_files import directory_digest
from reunlearn.study import paths
from reunlearn.study.jobs import PrepareJob
from reunlearn.study.specs import DatasetSpec
from tests.data.sets import pictures
from tests.stages.specifications import DIGITS

TARGET = Path("data/digits")
LOCKED = {"md5": "5f2c00e12c5dc96e6c33f926f25809b1.dir", "nfiles": 5, "size": 130052}  # as DVC counts


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder."""
    monkeypatch.chdir(tmp_path)


def run() -> dict[str, str]:
    """Prepare digits; return the checksums that the stage wrote."""
    folder = Path("work")
    folder.mkdir(exist_ok=True)
    prepare.run(Context(PrepareJob("prepare", "runs/digits/prepared", dataset=DIGITS), folder))
    listing = read_listing(folder / "files.json")
    assert {name: file.size for name, file in listing.items()} == {
        p.name: p.stat().st_size for p in TARGET.iterdir()
    }
    return {name: file.sha256 for name, file in listing.items()}


def lock(digest: str | None = None) -> None:
    """Lock what is in the target, or another digest."""
    entry = directory_digest(TARGET) if TARGET.exists() else {}
    entry |= {"path": TARGET.as_posix(), "hash": "md5"} | ({"md5": digest} if digest else {})
    Path("data.dvc").write_text(yaml.safe_dump({"outs": [entry]}))


def no_source(_: Source) -> Any:
    raise UserError("the source was asked for")


def without_source(monkeypatch: pytest.MonkeyPatch) -> None:
    card = digits.CARD
    monkeypatch.setattr(digits, "CARD", type(card)(**{**vars(card), "load": no_source}))


def times() -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in TARGET.iterdir()}


def test_preparing_twice_gives_the_same_bytes() -> None:
    first = run()
    before, digest = times(), directory_digest(TARGET)
    assert run() == first == {p.name: sha256(p) for p in TARGET.iterdir()}
    assert directory_digest(TARGET) == digest
    assert times() != before  # it was really made again
    assert [p.name for p in TARGET.parent.iterdir()] == ["digits"]


def test_the_bytes_are_the_same_on_every_machine() -> None:
    run()
    assert directory_digest(TARGET) == LOCKED


def test_what_the_lock_says_is_kept_and_needs_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    before = times()
    without_source(monkeypatch)
    with pytest.raises(UserError, match="was asked for"):
        run()  # the control: without a lock the source is needed
    lock()
    assert run() == first
    assert times() == before


def test_a_changed_folder_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    lock()
    with (TARGET / "train_y.npy").open("r+b") as handle:
        handle.seek(-8, 2)
        handle.write(b"\1")
    assert sha256(TARGET / "train_y.npy") != first["train_y.npy"]
    assert run() == first


def test_bytes_that_the_lock_does_not_know_are_refused() -> None:
    lock("0" * 32 + ".dir")
    with pytest.raises(UserError, match="reunlearn data lock digits"):
        run()
    assert not TARGET.exists()
    assert list(TARGET.parent.iterdir()) == []


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: the kernel refuses the write, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("there_before", [True, False])
@pytest.mark.parametrize("size", [100, 5_000, 60_000])
def test_a_full_disk_leaves_what_was_there(there_before: bool, size: int) -> None:
    if there_before:
        run()
    before = times() if there_before else None
    with small_files(size), pytest.raises(UserError, match="data: File too large; preparing digits") as error:
        run()
    assert "takes 129384 bytes there" in str(error.value)
    assert "\n" not in str(error.value)
    assert [p.name for p in TARGET.parent.iterdir()] == (["digits"] if there_before else [])
    assert before == (times() if there_before else None)
    run()  # the control: with room it is made


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's folder of two classes."""
    folder = tmp_path / "pictures"
    for label, name in enumerate(("cat", "dog")):
        for number in range(20):
            pictures.write(folder / name / f"{number}.png", 100 * label + number)
    return folder


def prepare_own(folder: Path, side: int = 12, listing: str | None = None) -> Path:
    """Prepare a user's folder as a plan would have it; return where the result is."""
    dataset = DatasetSpec(
        name="image_folder", modality="images", side=side, listing=listing or scan(folder).digest
    )
    Path("work").mkdir(exist_ok=True)
    job = PrepareJob("prepare", paths.prepared(dataset), dataset, str(folder))
    prepare.run(Context(job, Path("work")))
    return Path(paths.data(dataset))


def test_a_users_folder_is_prepared_to_the_same_bytes_wherever_it_is(own: Path, tmp_path: Path) -> None:
    target = prepare_own(own)
    first = directory_digest(target)
    found = read(target)
    assert (found.classes, found.shape, len(found.mean)) == (("cat", "dog"), (3, 12, 12), 3)
    assert sorted(p.name for p in target.iterdir()) == sorted(read_json(Path("work/files.json")))
    moved = own.rename(tmp_path / "elsewhere")
    assert prepare_own(moved) == target
    assert directory_digest(target) == first
    other = prepare_own(moved, side=8)
    assert other != target
    assert read(other).shape == (3, 8, 8)


def test_a_folder_that_changed_since_the_plan_is_refused(own: Path) -> None:
    before = scan(own).digest
    (own / "cat" / "3.png").unlink()
    with pytest.raises(UserError, match="pictures: its files have changed since the plan was made"):
        prepare_own(own, listing=before)
    assert not Path("data").exists()


def test_images_that_were_exchanged_since_the_plan_are_refused(own: Path) -> None:
    before = scan(own).digest
    cat, dog, aside = own / "cat/3.png", own / "dog/3.png", own.parent / "aside"
    for source, target in ((cat, aside), (dog, cat), (aside, dog)):
        source.rename(target)
    with pytest.raises(UserError, match="pictures: its files have changed since the plan was made"):
        prepare_own(own, listing=before)
    assert not Path("data").exists()


def test_a_folder_without_room_or_with_a_bad_image_leaves_nothing(own: Path) -> None:
    with (
        small_files(8_000),
        pytest.raises(UserError, match="data: File too large; preparing image_folder takes 17600"),
    ):
        prepare_own(own)
    assert list(Path("data").iterdir()) == []
    (own / "dog" / "7.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"dog/7\.png: corrupt or no image"):
        prepare_own(own)
    assert list(Path("data").iterdir()) == []
    pictures.write(own / "dog" / "7.png", 107)
    assert prepare_own(own).is_dir()


def test_what_a_killed_preparation_left_is_cleared_away() -> None:
    for end in ("work", "old"):
        left = TARGET.with_name(f".digits.{end}")
        left.mkdir(parents=True)
        (left / "half").write_bytes(b"half")
    run()
    assert [p.name for p in TARGET.parent.iterdir()] == ["digits"]
    assert not (TARGET / "half").exists()
