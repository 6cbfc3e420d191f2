"""Files read by name from a folder, a zip or a tar; nothing is unpacked to disk."""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError

DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error)


@dataclass(frozen=True)
class Tree:
    """Files below one folder.

    Attributes:
        where: the folder or archive, for messages.
        advice: what to do if a file is missing or damaged; the end of messages.
        names: all files, relative to the folder, sorted.
        read: returns a file's bytes; may be called from several threads.
    """

    where: Path
    advice: str
    names: tuple[str, ...]
    read: Callable[[str], bytes]

    def folders(self) -> dict[str, list[str]]:
        """Return {folder: files in it}."""
        files: dict[str, list[str]] = {}
        for name in self.names:
            files.setdefault(name.rpartition("/")[0], []).append(name)
        return files


def folder_tree(folder: Path, advice: str) -> Tree:
    """Return the files of a folder on disk."""
    names = []
    for path, _, files in os.walk(folder, followlinks=True):
        below = Path(path).relative_to(folder)
        names += [(below / file).as_posix() for file in files]

    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder / name}: {error.strerror}; {advice}") from None

    return Tree(folder, advice, tuple(sorted(names)), read)


@contextmanager
def zip_tree(path: Path, folder: str, advice: str) -> Iterator[Tree]:
    """Yield the files below one folder of a zip, read from it one by one."""
    try:
        opened = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UserError(f"{path}: damaged ({error}); {advice}") from None

    def read(name: str) -> bytes:
        try:
            return opened.read(f"{folder}/{name}")
        except KeyError:
            raise UserError(f"{path}: holds no {folder}/{name}; {advice}") from None
        except DAMAGED as error:
            raise UserError(f"{path}: {name} is damaged ({error}); {advice}") from None

    with opened:
        files = [info.filename for info in opened.infolist() if not info.is_dir()]
        yield Tree(path, advice, _below(folder, files), read)


def tar_tree(path: Path, folder: str, advice: str) -> Tree:
    """Return the files below one folder of a tar.gz, all in memory, because a tar.gz can only be read in order."""
    content: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as opened:
            for member in opened:
                handle = opened.extractfile(member) if member.isfile() else None
                if handle is not None and member.name.startswith(f"{folder}/"):
                    content[member.name.removeprefix(f"{folder}/")] = handle.read()
    except DAMAGED as error:
        raise UserError(f"{path}: damaged ({error}); {advice}") from None

    def read(name: str) -> bytes:
        if name not in content:
            raise UserError(f"{path}: holds no {folder}/{name}; {advice}")
        return content[name]

    return Tree(path, advice, tuple(sorted(content)), read)


def _below(folder: str, files: list[str]) -> tuple[str, ...]:
    return tuple(sorted(f.removeprefix(f"{folder}/") for f in files if f.startswith(f"{folder}/")))
