"""The layout of a user's own folder of images: one sub-folder per class, below `train` and `test` or without these.

The test part is `test`, or `val` if there is no `test`. Without these every fifth file of each class, in the order of
names and beginning with the first, is a test image. Files that are no images, such as a README, may lie beside the
sub-folders. What the files hold is read here only to name it by its SHA-256; a file that has not changed is not read
again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashes import file_hashes

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
        digest: SHA-256 of the names and the contents of all files, the same wherever the folder is.
    """

    train: Classes
    test: Classes
    digest: str


def scan(folder: Path) -> Listing:
    """Return the files of a folder.

    Raises:
        UserError: the folder, its classes or their images are missing, there are other files between them, or two
            files hold the same bytes.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; correct the path")
    if not (folder / "train").is_dir():
        train, test = _divided(folder, _classes(folder, folder))
    else:
        test_name = next((name for name in TEST_NAMES if (folder / name).is_dir()), None)
        if test_name is None:
            raise UserError(
                f"{folder}: has a folder 'train' but no 'test' or 'val' beside it; add one of them"
            )
        train = _classes(folder, folder / "train")
        test = _classes(folder, folder / test_name)
        for name in [*train, *test]:
            if name not in train or name not in test:
                where, other = (test_name, "train") if name in test else ("train", test_name)
                raise UserError(
                    f"{folder}: class '{name}' is in {where} but not in {other}; add it or remove it"
                )
    if len(train) < 2:
        raise UserError(f"{folder}: has one class only, '{next(iter(train))}'; a dataset needs at least two")
    return Listing(train, test, _digest(folder, [*_names(train), *_names(test)]))


def _names(classes: Classes) -> list[str]:
    return [name for files in classes.values() for name in files]


def _digest(folder: Path, names: list[str]) -> str:
    """Return one SHA-256 for the names and contents of all files; two files with the same bytes are refused."""
    try:
        hashes = file_hashes(folder, sorted(names))
    except OSError as error:
        raise UserError(f"{error.filename or folder}: {error.strerror or error}") from None
    first: dict[str, str] = {}
    for name, content in hashes.items():
        if (other := first.setdefault(content, name)) != name:
            raise UserError(f"{folder / name}: the same bytes as {other}; delete one of them")
    lines = "".join(f"{name}\0{content}\n" for name, content in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def _divided(folder: Path, classes: Classes) -> tuple[Classes, Classes]:
    """Return the training and the test files of each class."""
    for name, files in classes.items():
        if len(files) < 2:
            raise UserError(
                f"{folder / name}: one image only; a class needs at least two, to train and to test"
            )
    train = {name: tuple(f for i, f in enumerate(files) if i % EVERY) for name, files in classes.items()}
    return train, {name: files[::EVERY] for name, files in classes.items()}


def _classes(folder: Path, part: Path) -> Classes:
    """Return the images of each class folder."""
    entries = _entries(part)
    for entry in entries:
        if entry.is_file() and entry.suffix.lower() in SUFFIXES:
            raise UserError(f"{entry}: lies outside the class folders; put it into one")
    classes: Classes = {}
    for entry in (e for e in entries if e.is_dir()):
        classes[entry.name] = tuple(_image(folder, path) for path in _entries(entry))
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


def _image(folder: Path, path: Path) -> str:
    """Return an image's name relative to the folder."""
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
    return path.relative_to(folder).as_posix()
