"""The layout of a user's own folder of images: one sub-folder per class, below `train` and `test` or without these.

The test part is `test`, or `val` if there is no `test`. Without these every fifth file of each class, in the order of
names and beginning with the first, is a test image. Files that are no images, such as a README, may lie beside the
sub-folders. Only names and sizes are read here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError

SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
# files that operating systems create; hidden files are ignored too
IGNORED = frozenset(("thumbs.db", "desktop.ini", "__macosx"))
TEST_NAMES = ("test", "val")
EVERY = 5  # one in so many files is a test image

Classes = dict[str, tuple[str, ...]]  # files by class, relative to the folder, both in the order of names


@dataclass(frozen=True)
class Listing:
    """The files of a folder.

    Attributes:
        train, test: files by class; both have the same classes in the same order.
        digest: SHA-256 of the names and sizes of all files, the same wherever the folder is.
    """

    train: Classes
    test: Classes
    digest: str


def scan(folder: Path) -> Listing:
    """Return the files of a folder.

    Raises:
        UserError: the folder, its classes or their images are missing, or there are other files between them.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; correct the path")
    sizes: dict[str, int] = {}
    if not (folder / "train").is_dir():
        train, test = _divided(folder, _classes(folder, folder, sizes))
    else:
        test_name = next((name for name in TEST_NAMES if (folder / name).is_dir()), None)
        if test_name is None:
            raise UserError(
                f"{folder}: has a folder 'train' but no 'test' or 'val' beside it; add one of them"
            )
        train = _classes(folder, folder / "train", sizes)
        test = _classes(folder, folder / test_name, sizes)
        for name in [*train, *test]:
            if name not in train or name not in test:
                where, other = (test_name, "train") if name in test else ("train", test_name)
                raise UserError(
                    f"{folder}: class '{name}' is in {where} but not in {other}; add it or remove it"
                )
    if len(train) < 2:
        raise UserError(f"{folder}: has one class only, '{next(iter(train))}'; a dataset needs at least two")
    lines = "".join(f"{name}\0{sizes[name]}\n" for name in sorted(sizes))
    return Listing(train, test, hashlib.sha256(lines.encode()).hexdigest())


def _divided(folder: Path, classes: Classes) -> tuple[Classes, Classes]:
    """Return the training and the test files of each class."""
    for name, files in classes.items():
        if len(files) < 2:
            raise UserError(
                f"{folder / name}: one image only; a class needs at least two, to train and to test"
            )
    train = {name: tuple(f for i, f in enumerate(files) if i % EVERY) for name, files in classes.items()}
    return train, {name: files[::EVERY] for name, files in classes.items()}


def _classes(folder: Path, part: Path, sizes: dict[str, int]) -> Classes:
    """Return the images of each class folder; their sizes are added to `sizes`."""
    entries = _entries(part)
    for entry in entries:
        if entry.is_file() and entry.suffix.lower() in SUFFIXES:
            raise UserError(f"{entry}: lies outside the class folders; put it into one")
    classes: Classes = {}
    for entry in (e for e in entries if e.is_dir()):
        classes[entry.name] = tuple(_image(folder, path, sizes) for path in _entries(entry))
        if not classes[entry.name]:
            raise UserError(f"{entry}: a class without images; remove the folder or fill it")
    if not classes:
        raise UserError(
            f"{part}: holds no class folders; put the images of each class into a folder of its own"
        )
    return classes


def _entries(folder: Path) -> list[Path]:
    """Return the entries of a folder in the order of names, without hidden and IGNORED ones."""
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}") from None
    for path in entries:
        if not path.name.isprintable():
            raise UserError(f"{folder}: a file name that cannot be printed, {path.name!a}; rename it")
    return [p for p in entries if not p.name.startswith(".") and p.name.lower() not in IGNORED]


def _image(folder: Path, path: Path, sizes: dict[str, int]) -> str:
    """Return an image's name relative to the folder; its size is added to `sizes`."""
    if path.is_dir():
        raise UserError(f"{path}: a folder in a class folder, which may hold only images; move it away")
    if path.suffix.lower() not in SUFFIXES:
        known = " ".join(sorted(SUFFIXES))
        raise UserError(f"{path}: not an image by its name ({known}); move it away")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if size == 0:
        raise UserError(f"{path}: is empty; delete it or get it again")
    name = path.relative_to(folder).as_posix()
    sizes[name] = size
    return name
