"""Files read by name from a folder, a zip or a tar.gz.

Nothing is unpacked to disk, so no name in an archive can lead out of a folder; links and devices in it are no files.
What unpacks to more than an archive of images or arrays ever holds is refused before it fills the memory.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from reunlearn.base.errors import UserError

# what the readers raise on archives that are damaged, or that hold what no archive of a dataset does
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
MOST_FILES = 1_000_000
LARGEST_FILE = 1 << 30  # bytes, unpacked
LARGEST_TREE = 16 << 30  # bytes, unpacked: those of a tar.gz lie in memory together


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
    """Return the files of a folder on disk. Links are followed, but not in circles: they are the user's own."""
    names: list[str] = []
    for path, folders, files in os.walk(folder, followlinks=True):
        below = Path(path).relative_to(folder)
        names += [(below / file).as_posix() for file in files]
        folders[:] = [name for name in folders if not _leads_up(Path(path, name))]

    def read(name: str) -> bytes:
        try:
            if not stat.S_ISREG((folder / name).stat().st_mode):  # a pipe would be waited for without end
                raise UserError(f"{folder / name}: is no ordinary file; {advice}")
            return (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder / name}: {error.strerror}; {advice}") from None

    return Tree(folder, advice, tuple(sorted(names)), read)


def _leads_up(folder: Path) -> bool:
    """Tell whether a link names a folder that it lies in: who follows it never comes to an end."""
    return folder.is_symlink() and folder.resolve() in (
        folder.parent.resolve(),
        *folder.parent.resolve().parents,
    )


@contextmanager
def zip_tree(path: Path, folder: str, advice: str) -> Iterator[Tree]:
    """Yield the files below one folder of a zip, read from it one by one."""
    try:
        opened = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UserError(f"{path}: damaged ({_said(error)}); {advice}") from None

    def read(name: str) -> bytes:
        try:
            return opened.read(f"{folder}/{name}")
        except KeyError:
            raise UserError(f"{path}: holds no {folder}/{name}; {advice}") from None
        except DAMAGED as error:
            raise UserError(f"{path}: {name} is damaged ({_said(error)}); {advice}") from None

    with opened:
        files = [info for info in opened.infolist() if info.filename and not info.is_dir()]
        sizes = [info.file_size for info in files]
        _check_sizes(path, advice, files=len(files), largest=max(sizes, default=0), total=sum(sizes))
        yield Tree(path, advice, _below(folder, [info.filename for info in files], path, advice), read)


def tar_tree(path: Path, folder: str, advice: str) -> Tree:
    """Return the files below one folder of a tar.gz, all in memory, because a tar.gz can only be read in order."""
    content = dict(tar_files(path, lambda name: name.startswith(f"{folder}/"), advice))
    names = _below(folder, content, path, advice)

    def read(name: str) -> bytes:
        if f"{folder}/{name}" not in content:
            raise UserError(f"{path}: holds no {folder}/{name}; {advice}")
        return content[f"{folder}/{name}"]

    return Tree(path, advice, names, read)


def tar_files(path: Path, wanted: Callable[[str], bool], advice: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each ordinary file of a tar.gz that is wanted, in its order.

    Raises:
        UserError: it is damaged, or unpacks to too much.
    """
    total = 0
    try:
        with gzip.open(path) as unpacked, tarfile.TarFile(fileobj=cast(Any, _Bounded(unpacked))) as opened:
            for number, member in enumerate(iter(opened.next, None)):
                opened.members = []  # type: ignore[attr-defined] # it would keep all of them
                handle = opened.extractfile(member) if member.isfile() and wanted(member.name) else None
                total += member.size if handle is not None else 0
                _check_sizes(path, advice, files=number + 1, largest=member.size, total=total)
                if handle is not None:
                    yield member.name, handle.read()
    except DAMAGED as error:
        raise UserError(f"{path}: damaged ({_said(error)}); {advice}") from None


class _Bounded:
    """What tarfile needs of a stream; more at once than a file may hold is refused: headers name sizes, too."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.tell, self.seek, self._read = stream.tell, stream.seek, stream.read

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if not 0 <= size <= LARGEST_FILE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._read(size)


def _check_sizes(path: Path, advice: str, *, files: int, largest: int, total: int) -> None:
    """Refuse what no archive of a dataset holds, before it is read."""
    for count, most, what in (
        (files, MOST_FILES, "files"),
        (largest, LARGEST_FILE, "bytes in one file"),
        (total, LARGEST_TREE, "bytes"),
    ):
        if count > most:
            raise UserError(f"{path}: unpacks to more than {most:,} {what}, which is no dataset's; {advice}")


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _below(folder: str, files: Iterable[str], path: Path, advice: str) -> tuple[str, ...]:
    """Return the names of the files below a folder, relative to it."""
    names = sorted(file.removeprefix(f"{folder}/") for file in files if file.startswith(f"{folder}/"))
    for name in names:
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise UserError(f"{path}: holds {folder}/{name!r}, which leaves its folder; {advice}")
    return tuple(names)
