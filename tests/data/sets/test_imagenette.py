"""Imagenette: what torchvision knows of it, and the order and size of its images on a small set."""

from __future__ import annotations

import inspect
import io
import tarfile
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reunlearn.base.errors import UserError
from reunlearn.data import torchvision_compat
from reunlearn.data.sets import imagenette
from reunlearn.data.sets.registry import Source
from reunlearn.data.sources import MIRROR
from reunlearn.data.trees import folder_tree
from tests.data.sets import pictures

COUNTS = {"train": (2,) * 9 + (3,), "val": (1,) * 10}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten classes of two images and one, wider or taller than 160 pixels, the last class one more."""
    monkeypatch.setenv(MIRROR, str(tmp_path))
    made = tmp_path / imagenette.ARCHIVE.folder
    for label, name in enumerate(imagenette.CLASSES):
        for number in range(COUNTS["train"][label]):
            path = made / f"train/{name}/{name}_{number}.png"
            pictures.write(path, 10 * label + number, 160 + label, 160)
        pictures.write(made / f"val/{name}/val_{label}.png", 500 + label, 160, 160 + 2 * label)
    (made / "noisy_imagenette.csv").write_text("beside the images")
    return made


def test_address_and_classes_are_those_that_torchvision_knows() -> None:
    assert torchvision_compat.transforms  # first: it makes the next import possible
    from torchvision.datasets import Imagenette

    url, digest = Imagenette._ARCHIVES["160px"]
    assert (imagenette.ARCHIVE.url, imagenette.ARCHIVE.md5) == (url, digest)
    assert list(imagenette.CLASSES) == list(Imagenette._WNID_TO_CLASS)
    assert imagenette.CARD.classes == tuple(names[0] for names in Imagenette._WNID_TO_CLASS.values())
    assert "160px" in inspect.getsource(Imagenette)


def test_counts_add_up() -> None:
    train, val = imagenette.COUNTS["train"], imagenette.COUNTS["val"]
    assert (sum(train), sum(val)) == (imagenette.CARD.train, imagenette.CARD.test) == (9469, 3925)
    # every class has all 50 validation images of ImageNet and at most its 1,300 training images
    assert max(a + b for a, b in zip(train, val, strict=True)) == 1350


def test_classes_and_files_are_in_order_and_the_centre_is_kept(folder: Path, tmp_path: Path) -> None:
    arrays = imagenette.read(folder_tree(folder, ""), COUNTS, Source(tmp_path, target=tmp_path / "target"))
    assert arrays.train_x.shape == (21, 3, 160, 160)
    assert arrays.train_y.tolist() == [y for y, count in enumerate(COUNTS["train"]) for _ in range(count)]
    with Image.open(folder / "train/n02979186/n02979186_1.png") as image:
        wanted = np.asarray(image).transpose(2, 0, 1)[:, :, 1:161]  # 162 wide
    assert np.array_equal(arrays.train_x[5], wanted)
    with Image.open(folder / "val/n03888257/val_9.png") as image:
        assert np.array_equal(arrays.test_x[9], np.asarray(image).transpose(2, 0, 1)[:, 9:169])  # 178 tall


def test_the_archive_gives_what_the_folder_gives(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenette, "COUNTS", COUNTS)
    unpacked = imagenette.load(Source(tmp_path))
    packed = tmp_path / imagenette.ARCHIVE.file
    with tarfile.open(packed, "w:gz") as opened:
        for path in sorted((p for p in folder.rglob("*") if p.is_file()), reverse=True):
            member, content = tarfile.TarInfo(path.relative_to(tmp_path).as_posix()), path.read_bytes()
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    folder.rename(tmp_path / "elsewhere")
    digest = md5(packed.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=r"imagenette2-160\.tgz.*e793b78cc4c9e9a4ccc0c1155377a412"):
        imagenette.load(Source(tmp_path))  # the control: the official checksum is asked for
    monkeypatch.setattr(imagenette, "ARCHIVE", replace(imagenette.ARCHIVE, md5=digest))
    arrays = imagenette.load(Source(tmp_path))
    for part in ("train_x", "train_y", "test_x", "test_y"):
        assert np.array_equal(getattr(arrays, part), getattr(unpacked, part))


def test_a_missing_image_is_told(folder: Path, tmp_path: Path) -> None:
    (folder / "val/n03888257/val_9.png").unlink()
    with pytest.raises(UserError, match="class n03888257 has 0 images in val instead of 1; get it") as error:
        imagenette.read(folder_tree(folder, "get it"), COUNTS, Source(tmp_path))
    assert "\n" not in str(error.value)
