"""A user's folder: what is train, what is test, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reunlearn.base import hashes
from reunlearn.base.errors import UserError
from reunlearn.data.folder import scan


def fill(folder: Path, names: str) -> None:
    for name in names.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"{folder.name}/{name}".encode())


def numbered(count: int) -> str:
    return " ".join(f"{name}/{i}.png" for name in ("cat", "dog") for i in range(count))


def test_every_fifth_file_is_a_test_image(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    fill(folder, numbered(7) + " README zebra/b.JPG zebra/a.ppm zebra/.hidden zebra/Thumbs.db __MACOSX/a/b")
    found = scan(folder)
    assert list(found.train) == list(found.test) == ["cat", "dog", "zebra"]
    assert found.test["cat"] == ("cat/0.png", "cat/5.png")
    assert found.train["cat"] == tuple(f"cat/{i}.png" for i in (1, 2, 3, 4, 6))
    assert (found.train["zebra"], found.test["zebra"]) == (("zebra/b.JPG",), ("zebra/a.ppm",))


@pytest.mark.parametrize("parts", ["test", "val", "test val"])
def test_folders_named_after_parts_are_the_parts(tmp_path: Path, parts: str) -> None:
    fill(tmp_path / "train", numbered(3))
    for part in parts.split():
        fill(tmp_path / part, numbered(1))
    found = scan(tmp_path)
    assert found.train["dog"] == ("train/dog/0.png", "train/dog/1.png", "train/dog/2.png")
    assert found.test["dog"] == (f"{parts.split()[0]}/dog/0.png",)


def test_the_digest_knows_names_and_contents_but_not_the_place(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, numbered(3))
    shutil.copytree(here, there)
    first = scan(here).digest
    assert scan(there).digest == first
    (there / "cat/0.png").rename(there / "cat/0.bmp")
    assert scan(there).digest != first
    (there / "cat/0.bmp").rename(there / "cat/0.png")
    assert scan(there).digest == first
    (there / "cat/0.png").write_bytes(b"cat/9.png")  # of the same size
    assert scan(there).digest != first


def test_two_images_of_one_size_that_change_places_are_another_dataset(tmp_path: Path) -> None:
    fill(tmp_path, numbered(3))
    first = scan(tmp_path)
    cat, dog, aside = tmp_path / "cat/1.png", tmp_path / "dog/1.png", tmp_path.parent / "aside"
    assert cat.stat().st_size == dog.stat().st_size
    cat.rename(aside)
    dog.rename(cat)
    aside.rename(dog)
    exchanged = scan(tmp_path)
    assert (exchanged.train, exchanged.test) == (first.train, first.test)
    assert exchanged.digest != first.digest


def test_a_file_that_has_not_changed_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    fill(folder, numbered(3))
    monkeypatch.setenv("REUNLEARN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(hashes, "SETTLED_NS", 0)
    first = scan(folder).digest
    read: list[Path] = []
    monkeypatch.setattr(hashes, "sha256", lambda path: read.append(path) or "0" * 64)
    assert scan(folder).digest == first
    assert read == []
    (folder / "dog/2.png").write_bytes(b"cat/9.png")
    assert scan(folder).digest != first
    assert read == [folder / "dog/2.png"]


def lonely(folder: Path) -> None:
    for i in range(1, 3):
        (folder / f"dog/{i}.png").unlink()


def emptied(folder: Path) -> None:
    lonely(folder)
    (folder / "dog/0.png").unlink()


def other_part(folder: Path) -> None:
    fill(folder, "train/a/1.png train/b/1.png test/a/2.png test/b/2.png test/c/2.png")


def missing_part(folder: Path) -> None:
    fill(folder, "train/a/1.png train/b/1.png test/a/2.png")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shutil.rmtree, "no such folder"),
        (lambda f: (shutil.rmtree(f), f.mkdir()), "holds no class folders; put the images"),
        (lambda f: shutil.rmtree(f / "dog"), "one class only, 'cat'"),
        (lonely, "dog: one image only"),
        (emptied, "dog: a class without images"),
        (lambda f: (f / "cat/1.png").write_bytes(b""), r"cat/1\.png: is empty"),
        (lambda f: fill(f, "cat/notes.txt"), r"cat/notes\.txt: not an image by its name"),
        (lambda f: fill(f, "cat/deep/1.png"), "cat/deep: a folder in a class folder"),
        (lambda f: fill(f, "1.png"), r"1\.png: lies outside the class folders"),
        (lambda f: fill(f, "train/a/1.png train/b/1.png"), "'train' but no 'test' or 'val'"),
        (other_part, "class 'c' is in test but not in train"),
        (missing_part, "class 'b' is in train but not in test"),
        (lambda f: (f / "cat/1.png").rename(f / "cat/1\n.png"), "cannot be printed, '1.*rename it"),
        (lambda f: (f / "cat/9.png").symlink_to(f / "nothing"), r"cat/9\.png: No such file"),
        (
            lambda f: shutil.copy(f / "cat/1.png", f / "cat/0.png"),
            r"cat/1\.png: the same bytes as cat/0\.png",
        ),
        (
            lambda f: shutil.copy(f / "cat/0.png", f / "dog/3.png"),
            r"dog/3\.png: the same bytes as cat/0\.png",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, change: Callable[[Path], object], words: str) -> None:
    folder = tmp_path / "pictures"
    fill(folder, numbered(3))
    scan(folder)
    change(folder)
    with pytest.raises(UserError, match=words) as error:
        scan(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
