"""CIFAR-10: the official files, and what is done with files that are not."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.cifar_files import read_batch
from reunlearn.data.prepared import check
from reunlearn.data.sets import cifar10
from reunlearn.data.sets.registry import Source
from reunlearn.data.sources import MIRROR

needs_cifar = pytest.mark.skipif(not os.environ.get(MIRROR), reason=f"{MIRROR} is not set: no CIFAR-10 here")


def official(images_NP: np.ndarray, labels: list[int]) -> bytes:
    """Return a batch file as python 2 and the numpy of that time wrote it: protocol 2, old names, bytes."""
    x = images_NP
    array = b"".join(
        [
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR",
            b"(K\x01(M" + x.shape[0].to_bytes(2, "little") + b"M" + x.shape[1].to_bytes(2, "little") + b"t",
            b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
            b"\x89T" + x.nbytes.to_bytes(4, "little") + x.tobytes() + b"tb",
        ]
    )
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels](" + numbers + b"eu."


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of six tiny files in the official format, whose checksums are taken for the official ones."""
    monkeypatch.setenv(MIRROR, str(tmp_path))
    (tmp_path / cifar10.FOLDER).mkdir()
    members = {}
    for number, name in enumerate([*cifar10.TRAIN, *cifar10.TEST]):
        content = official(np.full((2, 3072), number, np.uint8), [number, number + 1])
        (tmp_path / name).write_bytes(content)
        members[name] = hashlib.md5(content).hexdigest()
    monkeypatch.setattr(cifar10, "ARCHIVE", dataclasses.replace(cifar10.ARCHIVE, members=members))
    return tmp_path


def test_files_are_joined_in_the_official_order(fake: Path) -> None:
    arrays = cifar10.load(Source(fake))
    assert arrays.train_x.shape == (10, 3, 32, 32)
    assert arrays.train_x.dtype == np.uint8
    assert arrays.train_x[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert arrays.train_y.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert arrays.test_y.tolist() == [5, 6]


def test_a_row_holds_three_planes_row_by_row() -> None:
    row = np.arange(3072, dtype=np.uint16).astype(np.uint8)[None]
    x_NCHW, y_N = read_batch(official(row, [7]), "labels")
    for channel, height, width in ((0, 0, 5), (1, 2, 0), (2, 31, 31)):
        assert x_NCHW[0, channel, height, width] == (1024 * channel + 32 * height + width) % 256
    assert y_N.dtype == np.int64


@pytest.mark.parametrize("change", ["truncate", "flip a byte", "remove"])
def test_a_damaged_file_is_one_line_that_names_it(fake: Path, change: str) -> None:
    path = fake / cifar10.FOLDER / "data_batch_4"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(bytes(content) if change == "flip a byte" else path.read_bytes()[:-5])
    if change == "remove":
        path.unlink()
    with pytest.raises(UserError, match="data_batch_4") as error:
        cifar10.load(Source(fake))
    assert "\n" not in str(error.value)
    assert cifar10.ARCHIVE.url in str(error.value)


@pytest.mark.parametrize("name", [eval, os.system, pickle.loads, collections.OrderedDict, np.load])
def test_a_pickle_that_names_anything_else_is_refused(name: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="no place"):
        read_batch(pickle.dumps({b"data": name, b"labels": []}, protocol=2), "labels")


def test_a_pickle_that_would_run_code_does_not(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "ran",)

    content = pickle.dumps(Trap(), protocol=2)
    with pytest.raises(pickle.UnpicklingError):
        read_batch(content, "labels")
    assert not (tmp_path / "ran").exists()
    pickle.loads(content)  # the control: an ordinary reader runs it
    assert (tmp_path / "ran").exists()


@pytest.mark.cifar
@needs_cifar
def test_the_official_files_are_what_the_card_says() -> None:
    arrays = cifar10.load(Source(Path("nowhere")))
    check(cifar10.CARD, arrays)
    assert np.bincount(arrays.train_y).tolist() == [5000] * 10
    assert np.bincount(arrays.test_y).tolist() == [1000] * 10
    # the first images of the official files: frog, truck, truck; cat, ship, ship
    assert [cifar10.CARD.classes[y] for y in arrays.train_y[:3]] == ["frog", "truck", "truck"]
    assert [cifar10.CARD.classes[y] for y in arrays.test_y[:3]] == ["cat", "ship", "ship"]
    assert np.allclose(arrays.train_x.mean((0, 2, 3)) / 255, cifar10.CARD.mean, atol=1e-4)
