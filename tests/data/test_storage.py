"""Images larger than memory: the same bits from disk, and no more of it read than a batch needs."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.data.storage import SHARE, MappedImages, announce, copied, fits_in_memory
from tests.data.pictures import seeded

NAMES = ("crop", "flip", "rotation", "randaugment")


def on_disk(folder: Path, count: int = 60) -> np.ndarray:
    """Return a mapped file of random images."""
    x_NCHW = np.random.default_rng(0).integers(0, 256, (count, 3, 8, 8), dtype=np.uint8)
    np.save(folder / "x.npy", x_NCHW)
    return np.load(folder / "x.npy", mmap_mode="r")


def both(folder: Path, **more) -> list[ImageSamples]:
    """Return the same shuffled rows of a file, in memory and mapped."""
    x_NCHW, rows = on_disk(folder), np.random.default_rng(1).permutation(60)[:41]
    return [
        ImageSamples(
            x_NCHW,
            rows % 10,
            rows,
            (0.5,) * 3,
            (0.2,) * 3,
            augmentation=Augmentation(NAMES),
            rows=rows,
            mapped=m,
            **more,
        )
        for m in (False, True)
    ]


@pytest.mark.parametrize("size", [None, 12])
def test_batches_from_disk_have_the_same_bits(tmp_path: Path, size: int | None) -> None:
    memory, mapped = both(tmp_path, resize=size)
    assert isinstance(mapped.x_NHWC, MappedImages)
    for wish in ({}, {"shuffle": True}, {"shuffle": True, "augmented": True}):
        pairs = zip(memory.batches(7, seeded(), **wish), mapped.batches(7, seeded(), **wish), strict=True)
        for one, other in pairs:
            assert torch.equal(one.x, other.x)
            assert one.x.stride() == other.x.stride()
            assert torch.equal(one.y, other.y)
            assert torch.equal(one.index, other.index)
    # the control: other rows have other bits
    assert not torch.equal(memory.take(slice(0, 7)).x, mapped.take(slice(1, 8)).x)


def test_slices_and_rows_repeat_and_come_in_the_order_asked_for(tmp_path: Path) -> None:
    memory, mapped = both(tmp_path)
    for rows in (
        torch.tensor([5, 3, 5, 40, 0]),
        slice(3, 9),
        slice(None),
        torch.tensor([], dtype=torch.int64),
    ):
        assert torch.equal(memory.take(rows).x, mapped.take(rows).x)


def test_copying_in_pieces_loses_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("reunlearn.data.storage.CHUNK", 7)
    x_NCHW, rows = on_disk(tmp_path), np.arange(60)[::-1]
    assert np.array_equal(copied(x_NCHW, rows, "cpu"), x_NCHW[rows].transpose(0, 2, 3, 1))


class Counted(np.ndarray):
    """An array that keeps which rows are read."""

    def __getitem__(self, rows):
        self.read.append(rows)
        return np.asarray(self)[rows]


def test_a_batch_reads_its_own_rows_in_the_order_of_the_file(tmp_path: Path) -> None:
    x_NCHW = np.array(on_disk(tmp_path)).view(Counted)
    x_NCHW.read = []
    found = MappedImages(x_NCHW, np.arange(60)[::-1], "cpu")[torch.tensor([0, 50, 3])]
    assert [rows.tolist() for rows in x_NCHW.read] == [[9, 56, 59]]
    assert np.array_equal(found, np.asarray(x_NCHW)[[59, 9, 56]].transpose(0, 2, 3, 1))


MEMORY = """
import sys
from pathlib import Path
import numpy as np, torch
from reunlearn.data.images import ImageSamples

def taken():
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))

x = np.load(sys.argv[1], mmap_mode="r")
number = np.arange(len(x))
before = taken()
samples = ImageSamples(x, number % 10, number, (0.5,) * 3, (0.2,) * 3, mapped=sys.argv[2] == "mapped")
for batch, _ in zip(samples.batches(128, torch.Generator().manual_seed(0), shuffle=True), range(4)):
    most = taken()
print(most - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to measure memory")
def test_mapped_images_take_no_memory(tmp_path: Path) -> None:
    """400 MiB of images: what the process holds itself, and the kernel cannot take back, stays below a quarter."""
    x_NCHW = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (34_134, 3, 64, 64))
    x_NCHW.flush()  # a sparse file: zeros take no space on disk
    grown = {}
    for where in ("memory", "mapped"):
        command = [sys.executable, "-c", MEMORY, str(tmp_path / "x.npy"), where]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        grown[where] = int(run.stdout) / 1024
    assert grown["mapped"] < 100
    assert grown["memory"] > 350  # the control: reading everything is noticed


def test_the_limit_of_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REUNLEARN_MEMORY_LIMIT", "1.5")
    assert fits_in_memory(3 * 2**19)
    assert not fits_in_memory(3 * 2**19 + 1)


def test_a_limit_that_is_no_number_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REUNLEARN_MEMORY_LIMIT", "4 GB")
    with pytest.raises(UserError, match="REUNLEARN_MEMORY_LIMIT is '4 GB'; set it to a number of MiB"):
        fits_in_memory(1)


def test_without_a_limit_half_of_the_free_memory_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REUNLEARN_MEMORY_LIMIT", raising=False)
    monkeypatch.setattr("reunlearn.data.storage.available", lambda: 1000)
    assert SHARE == 0.5
    assert fits_in_memory(500)
    assert not fits_in_memory(501)


class Watched(mmap.mmap):
    """A mapping that keeps what the kernel is told of it."""

    told: list[tuple[int, int]]

    def madvise(self, option: int, start: int, length: int) -> None:
        assert option == mmap.MADV_WILLNEED
        self.told.append((start, length))
        super().madvise(option, start, length)


def test_the_kernel_is_told_the_pages_of_the_rows_and_of_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmap, "mmap", Watched)
    x_NCHW = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (100, 3, 32, 32))
    x_NCHW.base.told = []
    announce(x_NCHW, np.array([2, 7]))
    row, page = 3 * 32 * 32, mmap.PAGESIZE
    begins = [x_NCHW.offset + number * row for number in (2, 7)]
    assert [start % page for start, _ in x_NCHW.base.told] == [0, 0]
    assert [start + length for start, length in x_NCHW.base.told] == [begin + row for begin in begins]
    assert all(
        begin - page < start <= begin for begin, (start, _) in zip(begins, x_NCHW.base.told, strict=True)
    )


@pytest.mark.parametrize("change", [np.array, lambda x: x[1:], lambda x: x.transpose(0, 2, 3, 1)])
def test_other_arrays_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change) -> None:
    monkeypatch.setattr(mmap, "mmap", Watched)
    x_NCHW = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (100, 3, 8, 8))
    x_NCHW.base.told = []
    announce(change(x_NCHW), np.array([2, 7]))
    assert x_NCHW.base.told == []
