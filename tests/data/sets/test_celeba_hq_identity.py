"""CelebA-HQ identities: the split of the real identity file, and reading a user's folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.sets import celeba_hq_identity as celeba
from reunlearn.data.sets.registry import Source
from reunlearn.data.sources import MIRROR
from reunlearn.data.torchvision_compat import transforms
from tests.data.sets import pictures

REAL = Path(os.environ.get(MIRROR, "nowhere")) / "celeba-hq-identity"
needs_table = pytest.mark.skipif(
    not (REAL / celeba.TABLE).is_file(), reason=f"{MIRROR} is not set, or has no CelebA-HQ identities"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two people of 15 and 16 images, one of 14; small images."""
    monkeypatch.setattr(celeba, "PEOPLE", ("2", "10"))
    monkeypatch.setattr(celeba, "COUNTS", (12, 12))
    monkeypatch.setattr(celeba, "SHORTER", 16)
    monkeypatch.setattr(celeba, "SIDE", 12)
    people = {number: (10, 2, 10, 2, 5)[number % 5] for number in range(75)}
    kept = [n for n, p in people.items() if p == 5][:14] + [n for n, p in people.items() if p == 2][:15]
    kept += [n for n, p in people.items() if p == 10][:16]
    lines = [f"{number}.jpg {people[number]}\n" for number in reversed(sorted(kept))]
    (tmp_path / celeba.TABLE).write_text("".join(lines))
    for number in range(75):
        pictures.write(tmp_path / "images" / f"{number}.jpg", number, 20, 16)
    return tmp_path


def test_each_person_has_its_first_images_in_train(folder: Path) -> None:
    train, test = celeba.split(folder)
    assert [name for name, _ in train[:4]] == ["1.jpg", "3.jpg", "6.jpg", "8.jpg"]  # numbers, not texts
    assert Counter(label for _, label in train) == {0: 12, 1: 12}
    assert Counter(label for _, label in test) == {0: 3, 1: 4}
    for label in (0, 1):
        last = max(int(name.removesuffix(".jpg")) for name, y in train if y == label)
        assert last < min(int(name.removesuffix(".jpg")) for name, y in test if y == label)


@pytest.mark.parametrize("place", celeba.FOLDERS)
def test_images_are_found_in_three_places(folder: Path, place: str) -> None:
    if place == ".":
        for path in (folder / "images").iterdir():
            path.rename(folder / path.name)
    else:
        (folder / "images").rename(folder / place)
    arrays = celeba.load(Source(folder, folder=folder, target=folder / "target"))
    assert arrays.train_x.shape == (24, 3, 12, 12)
    assert arrays.test_y.tolist() == [0] * 3 + [1] * 4
    from PIL import Image

    whole = transforms.Compose([transforms.Resize(16), transforms.CenterCrop(12)])
    with Image.open(folder / place / "3.jpg") as image:
        assert np.array_equal(arrays.train_x[1], np.asarray(whole(image)).transpose(2, 0, 1))


def more(folder: Path) -> None:
    with (folder / celeba.TABLE).open("a") as handle:
        handle.write("74.jpg 5\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f / celeba.TABLE).unlink(), "CelebA-HQ-identity.txt: No such file"),
        (lambda f: (f / celeba.TABLE).write_text("1.jpg 2 3\n"), "the line '1.jpg 2 3' is not"),
        (lambda f: (f / "images/8.jpg").unlink(), r"images/8\.jpg: No such file"),
        (lambda f: (f / "images").rename(f / "pictures"), r"no image 1\.jpg here or in images"),
        (lambda f: (f / "images/8.jpg").write_bytes(b""), r"8\.jpg: is empty"),
        (lambda f: (f / "images/8.jpg").write_bytes(b"no image"), r"8\.jpg: corrupt or no image"),
        (more, "3 people with at least 15 images, not the 2 of the official file"),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, change: Callable[[Path], object], words: str) -> None:
    change(folder)
    with pytest.raises(UserError, match=words) as error:
        celeba.load(Source(folder, folder=folder))
    assert "\n" not in str(error.value)
    assert celeba.ADVICE in str(error.value)


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs 'folder'"):
        celeba.load(Source(tmp_path))
    assert celeba.CARD.needs_folder


@needs_table
def test_the_real_identity_file_gives_the_published_counts() -> None:
    train, test = celeba.split(REAL)
    assert (len(train), len(test)) == (4263, 1215) == (celeba.CARD.train, celeba.CARD.test)
    counts = Counter(label for _, label in train)
    assert tuple(counts[label] for label in range(307)) == celeba.CARD.class_counts
    assert len(celeba.CARD.classes) == 307
    assert not {name for name, _ in train} & {name for name, _ in test}
    identity = dict(line.split() for line in (REAL / celeba.TABLE).read_text().splitlines())
    assert all(identity[name] == celeba.PEOPLE[label] for name, label in [*train, *test])
    assert sum(count >= 15 for count in Counter(identity.values()).values()) == 307
