"""A user's own images: the split, the card that the folder completes, errors; real faces where they are at hand."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reunlearn.base.errors import UserError
from reunlearn.data.prepared import check, read, write
from reunlearn.data.sets import image_folder
from reunlearn.data.sets.registry import Source
from reunlearn.data.sources import MIRROR
from tests.data.sets import pictures

FACES = Path(os.environ.get(MIRROR, "nowhere")) / "orl-faces"
needs_faces = pytest.mark.skipif(not FACES.is_dir(), reason=f"{MIRROR} is not set, or has no ORL faces")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Three classes of 6, 7 and 8 images."""
    for label, name in enumerate(("cat", "dog", "eel")):
        for number in range(6 + label):
            pictures.write(tmp_path / f"pictures/{name}/{number}.png", 10 * label + number)
    return Source(tmp_path, folder=tmp_path / "pictures", side=12, target=tmp_path / "target")


def test_classes_and_parts_are_in_order(source: Source, tmp_path: Path) -> None:
    arrays, card = image_folder.load(source), image_folder.inspect(source)
    assert pictures.sources(arrays.train_x, range(30)) == [
        1, 2, 3, 4, 11, 12, 13, 14, 16, 21, 22, 23, 24, 26, 27,
    ]  # fmt: skip
    assert pictures.sources(arrays.test_x, range(30)) == [0, 5, 10, 15, 20, 25]
    assert arrays.train_y.tolist() == [0] * 4 + [1] * 5 + [2] * 6
    assert arrays.test_y.tolist() == [0, 0, 1, 1, 2, 2]
    check(card, arrays)
    assert (card.classes, card.class_counts) == (("cat", "dog", "eel"), (4, 5, 6))
    write(tmp_path / "target", card, arrays)
    found = read(tmp_path / "target")
    pixels = arrays.train_x.astype(np.float64) / 255
    assert np.allclose(found.mean, pixels.mean((0, 2, 3)), atol=5e-5)
    assert np.allclose(found.std, pixels.std((0, 2, 3)), atol=5e-5)


def test_the_side_is_the_users(source: Source, tmp_path: Path) -> None:
    smaller = Source(tmp_path, source.folder, side=8)
    assert image_folder.load(smaller).train_x.shape == (15, 3, 8, 8)
    assert image_folder.inspect(smaller).shape == (3, 8, 8)


@pytest.mark.parametrize("lacking", ["folder", "side"])
def test_folder_and_side_are_needed(source: Source, lacking: str) -> None:
    given = {"folder": source.folder, "side": source.side, lacking: None}
    for ask in (image_folder.load, image_folder.inspect):
        with pytest.raises(UserError, match=f"needs '{lacking}'"):
            ask(Source(source.downloads, **given))


def test_a_photograph_is_upright(source: Source) -> None:
    """A picture that a camera stored lying on its side is the picture that stands."""
    assert source.folder is not None
    path = source.folder / "cat/1.png"
    standing = image_folder.load(source).train_x[0]
    with Image.open(path) as opened:
        lying, exif = opened.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[274] = 6
    lying.save(path, exif=exif)
    assert np.array_equal(image_folder.load(source).train_x[0], standing)
    lying.save(path)  # the control: without its tag
    assert not np.array_equal(image_folder.load(source).train_x[0], standing)


def refused(source: Source, *words: str) -> None:
    with pytest.raises(UserError) as error:
        image_folder.load(source)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_a_double_within_a_class_or_across_parts_is_named(source: Source) -> None:
    assert source.folder is not None
    for copy in ("cat/0", "dog/3"):  # a test image, and one of another class
        shutil.copy(source.folder / f"{copy}.png", source.folder / "eel/4.png")
        refused(source, f"eel/4.png: the same bytes as {copy}.png", "delete one")


def test_a_corrupt_image_is_named(source: Source) -> None:
    assert source.folder is not None
    path = source.folder / "dog/2.png"
    path.write_bytes(path.read_bytes()[:60])
    refused(source, str(path), "corrupt or no image")
    assert source.target is not None and not [*source.target.iterdir()]
    path.write_bytes(b"")
    refused(source, str(path), "is empty")


@needs_faces
def test_real_faces(tmp_path: Path) -> None:
    source = Source(tmp_path, FACES, side=64, target=tmp_path / "target")
    card, arrays = image_folder.inspect(source), image_folder.load(source)
    check(card, arrays)
    assert (len(card.classes), card.train, card.test) == (40, 320, 80)
    assert card.classes[:3] == ("s1", "s10", "s11")  # in the order of names
    assert np.array_equal(arrays.train_x[:, 0], arrays.train_x[:, 2])  # grey
    with Image.open(FACES / "s10" / "2.pgm") as image:
        wide = np.asarray(image.resize((64, int(64 * 112 / 92)), Image.Resampling.BILINEAR))
    top = round((wide.shape[0] - 64) / 2)
    test = ["1", "5"]  # of 1 10 2 3 4 5 6 7 8 9
    names = [str(n) for n in sorted(map(str, range(1, 11))) if str(n) not in test]
    assert np.array_equal(arrays.train_x[8 + names.index("2"), 0], wide[top : top + 64])
