"""CIFAR-100 and CIFAR-20: one archive, two labellings, and the map between them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.cifar_files import unpickle
from reunlearn.data.prepared import check, measured
from reunlearn.data.sets import cifar20, cifar100
from reunlearn.data.sets.registry import Arrays, Source
from reunlearn.data.sources import MIRROR, contents

needs_cifar = pytest.mark.skipif(not os.environ.get(MIRROR), reason=f"{MIRROR} is not set: no CIFAR-100 here")

# fine classes of each coarse one, as the released code of the papers has them
FINE = """
4,30,55,72,95 1,32,67,73,91 54,62,70,82,92 9,10,16,28,61 0,51,53,57,83 22,39,40,86,87 5,20,25,84,94 6,7,14,18,24
3,42,43,88,97 12,17,37,68,76 23,33,49,60,71 15,19,21,31,38 34,63,64,66,75 26,45,77,79,99 2,11,35,46,98 27,29,44,78,93
36,50,65,74,80 47,52,56,59,96 8,13,48,58,90 41,69,81,85,89
"""


@pytest.fixture(scope="module")
def both() -> tuple[Arrays, Arrays]:
    source = Source(Path("nowhere"))
    return cifar100.load(source), cifar20.load(source)


@pytest.mark.cifar
@needs_cifar
def test_the_official_files_are_what_the_cards_say(both: tuple[Arrays, Arrays]) -> None:
    fine, coarse = both
    check(cifar100.CARD, fine)
    check(cifar20.CARD, coarse)
    assert fine.train_fine is None
    for part in ("train", "test"):
        assert np.array_equal(getattr(fine, f"{part}_x"), getattr(coarse, f"{part}_x"))
        assert np.array_equal(getattr(fine, f"{part}_y"), getattr(coarse, f"{part}_fine"))
    # the first images of the official files
    assert [cifar100.CLASSES[y] for y in fine.train_y[:3]] == ["cattle", "dinosaur", "apple"]
    with pytest.raises(ValueError, match="do not go together"):  # the control: a card without the sub-classes
        check(replace(cifar20.CARD, fine_classes=()), coarse)


@pytest.mark.cifar
@needs_cifar
def test_each_coarse_class_has_the_five_fine_ones_of_the_papers(both: tuple[Arrays, Arrays]) -> None:
    coarse = both[1]
    for number, names in enumerate(FINE.split()):
        for y, fine in ((coarse.train_y, coarse.train_fine), (coarse.test_y, coarse.test_fine)):
            assert fine is not None
            assert np.unique(fine[y == number]).tolist() == [int(name) for name in names.split(",")]
            assert np.array_equal(np.asarray(cifar20.SUPER_CLASSES)[fine], y)  # what listings show
    assert cifar100.CLASSES[69] == "rocket"
    assert coarse.train_fine is not None
    assert cifar20.CARD.classes[coarse.train_y[coarse.train_fine == 69][0]] == "vehicles_2"


@pytest.mark.cifar
@needs_cifar
def test_names_are_those_of_the_official_list() -> None:
    meta = replace(cifar100.ARCHIVE, members={"cifar-100-python/meta": "7973b15100ade9c7d40fb424638fde48"})
    names = unpickle(dict(contents(meta, Path("nowhere")))["cifar-100-python/meta"])
    assert tuple(name.decode() for name in names[b"fine_label_names"]) == cifar100.CLASSES
    assert tuple(name.decode() for name in names[b"coarse_label_names"]) == cifar20.CARD.classes


@pytest.mark.cifar
@needs_cifar
def test_mean_and_std_are_those_of_the_training_pixels(both: tuple[Arrays, Arrays]) -> None:
    mean, std = measured(both[0].train_x)
    assert np.abs(np.subtract(mean, cifar100.CARD.mean)).max() < 1.5e-4
    assert np.abs(np.subtract(std, cifar100.CARD.std)).max() < 1.5e-4
    other = measured(both[0].test_x)  # the control: other images have other means
    assert np.abs(np.subtract(other[0], cifar100.CARD.mean)).max() > 1e-3


def test_a_wrong_checksum_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR, str(tmp_path))
    for name in (cifar100.TRAIN, cifar100.TEST):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"something else")
    found = hashlib.md5(b"something else").hexdigest()
    for load in (cifar100.load, cifar20.load):
        with pytest.raises(UserError, match=f"cifar-100-python/train.*{found}.*get it again") as error:
            load(Source(tmp_path))
        assert "\n" not in str(error.value)
