"""Tiny-ImageNet: the order of classes and files, on a small set of the official shape and on real classes."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reunlearn.base.errors import UserError
from reunlearn.data.prepared import check
from reunlearn.data.sets import tiny_imagenet
from reunlearn.data.sets.registry import Source
from reunlearn.data.sources import MIRROR
from reunlearn.data.trees import folder_tree
from tests.data.sets import pictures

SUBSET = Path(os.environ.get(MIRROR, "nowhere")) / "tiny-imagenet-200-subset20"
needs_subset = pytest.mark.skipif(
    not SUBSET.is_dir(), reason=f"{MIRROR} is not set, or has no Tiny-ImageNet: no real classes here"
)
CLASSES = ("n01", "n02", "n03")
PER_CLASS = {"train": 12, "val": 3}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three classes of 12 and 3 images; PNG under the official names, so that pixels tell where they come from."""
    monkeypatch.setattr(tiny_imagenet, "PER_CLASS", PER_CLASS)
    monkeypatch.setenv(MIRROR, str(tmp_path))
    made, rows = tmp_path / tiny_imagenet.ARCHIVE.folder, []
    for label, name in enumerate(CLASSES):
        for number in range(12):
            path = made / f"train/{name}/images/{name}_{number}.png"
            pictures.write(path, 100 * label + number, 64, 64)
            path.rename(path.with_suffix(".JPEG"))
        (made / f"train/{name}/{name}_boxes.txt").write_text("boxes")
    for number in range(9):
        path = made / f"val/images/val_{number}.png"
        pictures.write(path, 1000 + number, 64, 64)
        path.rename(path.with_suffix(".JPEG"))
        rows.append(f"val_{number}.JPEG\t{CLASSES[2 - number % 3]}\t0\t0\t63\t63\n")
    (made / "val/val_annotations.txt").write_text("".join(rows))
    return made


def test_classes_and_files_are_in_order(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    arrays = tiny_imagenet.read(folder_tree(folder, ""), CLASSES, Source(tmp_path, target=target))
    seeds = pictures.sources(arrays.train_x, range(300))
    assert seeds == [100 * label + number for label in range(3) for number in range(12)]  # 2 before 10
    assert pictures.sources(arrays.test_x, range(1000, 1010)) == [
        1002, 1005, 1008, 1001, 1004, 1007, 1000, 1003, 1006,
    ]  # fmt: skip
    assert arrays.train_y.tolist() == sorted([0, 1, 2] * 12)
    assert arrays.test_y.tolist() == sorted([0, 1, 2] * 3)
    assert sorted(p.name for p in target.iterdir()) == ["test_x.npy", "train_x.npy"]


def test_the_archive_gives_what_the_folder_gives(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny_imagenet, "CLASSES", CLASSES)
    unpacked = tiny_imagenet.load(Source(tmp_path))
    packed = tmp_path / tiny_imagenet.ARCHIVE.file
    with zipfile.ZipFile(packed, "w") as opened:
        for path in sorted(folder.rglob("*"), reverse=True):
            opened.write(path, path.relative_to(tmp_path))
    folder.rename(tmp_path / "elsewhere")
    digest = md5(packed.read_bytes()).hexdigest()
    monkeypatch.setattr(tiny_imagenet, "ARCHIVE", replace(tiny_imagenet.ARCHIVE, md5=digest))
    arrays = tiny_imagenet.load(Source(tmp_path))
    for part in ("train_x", "train_y", "test_x", "test_y"):
        assert np.array_equal(getattr(arrays, part), getattr(unpacked, part))


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("train/n02/images", "no class n02 in train"),
        ("train/n03/images/n03_7.JPEG", "class n03 has 11 images in train instead of 12"),
        ("val/images/val_4.JPEG", r"val/images/val_4\.JPEG: No such file"),
        ("val/val_annotations.txt", "val_annotations.txt: No such file"),
    ],
)
def test_what_is_missing_is_named(folder: Path, tmp_path: Path, lost: str, words: str) -> None:
    (folder / lost).rename(tmp_path / "lost")
    with pytest.raises(UserError, match=words) as error:
        tiny_imagenet.read(folder_tree(folder, "get it"), CLASSES, Source(tmp_path))
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("; get it")


def test_a_table_of_other_classes_is_refused(folder: Path, tmp_path: Path) -> None:
    with (folder / "val/val_annotations.txt").open("a") as handle:
        handle.write("val_9.JPEG\tn99\t0\t0\t1\t1\n")
    with pytest.raises(UserError, match=r"no class of the dataset in the line 'val_9\.JPEG.*n99"):
        tiny_imagenet.read(folder_tree(folder, ""), CLASSES, Source(tmp_path))


@needs_subset
def test_the_classes_are_the_official_ones_in_the_order_of_their_ids() -> None:
    assert tuple(sorted((SUBSET / "wnids-all200.txt").read_text().split())) == tiny_imagenet.CLASSES
    assert tiny_imagenet.ARCHIVE.md5 in tiny_imagenet.CARD.source


def real(name: str, number: int) -> Path:
    return SUBSET / f"train/{name}/images/{name}_{number}.JPEG"


@needs_subset
def test_real_classes_are_read_and_grey_images_become_rgb(tmp_path: Path) -> None:
    files = folder_tree(SUBSET, "")
    classes = tuple(sorted((SUBSET / "wnids.txt").read_text().split()))[:4]
    rows = [row for row in (SUBSET / "val/val_annotations.txt").read_text().splitlines(keepends=True)]
    table = "".join(row for row in rows if row.split("\t")[1] in classes).encode()
    chosen = replace(files, read=lambda name: table if name == tiny_imagenet.LABELS else files.read(name))
    arrays = tiny_imagenet.read(chosen, classes, Source(tmp_path, target=tmp_path / "target"))
    check(replace(tiny_imagenet.CARD, classes=classes, train=2000, test=200), arrays)
    for number in (0, 3, 7, 499):
        with Image.open(real(classes[2], number)) as image:
            assert np.array_equal(
                arrays.train_x[1000 + number], np.asarray(image.convert("RGB")).transpose(2, 0, 1)
            )
    grey = [
        n for n, x in enumerate(arrays.train_x) if np.array_equal(x[0], x[1]) and np.array_equal(x[1], x[2])
    ]
    modes = []
    for number in grey:
        with Image.open(real(classes[number // 500], number % 500)) as image:
            modes.append(image.mode)
    assert modes.count("L") > 5


@needs_subset
def test_twenty_classes_are_not_taken_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / tiny_imagenet.ARCHIVE.folder).symlink_to(SUBSET)
    monkeypatch.setenv(MIRROR, str(tmp_path))
    with pytest.raises(
        UserError, match=r"no class n01443537 in train; unpack tiny-imagenet-200\.zip"
    ) as error:
        tiny_imagenet.load(Source(tmp_path, target=tmp_path / "target"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "target").exists()
