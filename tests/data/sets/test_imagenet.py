"""ImageNet from a folder of the user's: order, size, and what is refused; no image of it is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data import torchvision_compat
from reunlearn.data.sets import imagenet
from reunlearn.data.sets.registry import Source
from tests.data.sets import pictures

FEW = {"train": 2, "val": 1}
CLASSES = 3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three classes with three training images, of which two are read, and a validation image each."""
    monkeypatch.setattr(imagenet, "NAMES", imagenet.NAMES[:CLASSES])
    made = tmp_path / "imagenet"
    for label, name in enumerate(("n01443537", "n01440764", "n01484850")):
        for number in range(3):
            pictures.write(made / f"train/{name}/{name}_{number}.png", 10 * label + number, 256, 256)
        pictures.write(made / f"val/{name}/val_{label}.png", 500 + label, 256, 260 + label)
    (made / "meta.bin").write_bytes(b"as torchvision leaves it")
    return made


def test_names_are_those_of_torchvision() -> None:
    assert list(imagenet.NAMES) == torchvision_compat.models.ResNet34_Weights.DEFAULT.meta["categories"]
    assert (imagenet.CARD.train, imagenet.CARD.test) == (732_000, 50_000)


def test_classes_are_in_the_order_of_their_ids_and_the_first_files_are_read(
    folder: Path, tmp_path: Path
) -> None:
    arrays = imagenet.read(Source(tmp_path, folder=folder), FEW)
    assert arrays.train_x.shape == (6, 3, 256, 256) and arrays.test_x.shape == (3, 3, 256, 256)
    assert pictures.sources(arrays.train_x, range(30)) == [10, 11, 0, 1, 20, 21]
    np.testing.assert_array_equal(arrays.train_y, [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(arrays.test_y, [0, 1, 2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("too few", "train/n01440764 has 1 images, fewer than 2; get ImageNet from its authors"),
        ("a class less", "val holds 2 folders of images instead of the 3 of ImageNet's classes"),
        ("another name", "train holds 3 folders of images instead"),
    ],
)
def test_another_folder_is_refused(folder: Path, tmp_path: Path, change: str, said: str) -> None:
    if change == "too few":
        for number in (1, 2):
            (folder / f"train/n01440764/n01440764_{number}.png").unlink()
    elif change == "a class less":
        (folder / "val/n01440764/val_1.png").unlink()
    else:
        (folder / "train/n01440764").rename(folder / "train/tench")
    with pytest.raises(UserError, match=said):
        imagenet.read(Source(tmp_path, folder=folder), FEW)


def test_a_study_must_name_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="imagenet: needs 'folder'"):
        imagenet.load(Source(tmp_path))
