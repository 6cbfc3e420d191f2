"""Official archives and files, read from a local mirror or downloaded; verified, and never unpacked to disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import md5_of_bytes
from reunlearn.data.download import fetch, verified
from reunlearn.data.trees import Tree, folder_tree, tar_files, tar_tree, zip_tree

MIRROR = "REUNLEARN_DATA_MIRROR"


@dataclass(frozen=True)
class Archive:
    """A tar.gz or zip that its authors publish.

    Attributes:
        url: its address; the last part is the file's name.
        md5: published checksum of the archive.
        members: {exact name in the archive: MD5} of the files that are read; empty if there are too many to list.
        folder: the folder that holds all files, for archives without listed members.
    """

    url: str
    md5: str
    members: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    @property
    def file(self) -> str:
        """The archive's file name."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def origin(self) -> str:
        """Address and checksum, for cards."""
        return f"{self.url} (MD5 {self.md5})"


def contents(archive: Archive, downloads: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, verified bytes) of each listed member, in no particular order.

    With REUNLEARN_DATA_MIRROR nothing is downloaded: that folder holds the archive, or its members unpacked.

    Raises:
        UserError: a file is missing or damaged, or the download failed.
    """
    place = _locate(archive, downloads, archive.members)
    return _from_folder(place, archive) if place.is_dir() else _from_tar(place, archive)


@contextmanager
def tree(archive: Archive, downloads: Path) -> Iterator[Tree]:
    """Yield all files below the archive's folder.

    With REUNLEARN_DATA_MIRROR nothing is downloaded: that folder holds the archive, whose checksum is verified, or
    its unpacked folder, of which only the names and the number of files are verified.

    Raises:
        UserError: a file is missing or damaged, or the download failed.
    """
    place = _locate(archive, downloads, [archive.folder])
    if place.is_dir():
        yield folder_tree(place / archive.folder, f"unpack {archive.file} from {archive.url} in {place}")
    elif place.suffix == ".zip":
        with zip_tree(place, archive.folder, f"get it again from {archive.url}") as opened:
            yield opened
    else:
        yield tar_tree(place, archive.folder, f"get it again from {archive.url}")


def _locate(archive: Archive, downloads: Path, unpacked: Iterable[str]) -> Path:
    """Return the verified archive, or the mirror's folder if this holds any of the unpacked names."""
    if not (mirror := os.environ.get(MIRROR)):
        place = downloads / archive.file
        advice = f"or set {MIRROR} to a folder that holds {archive.file}, or place that file at {place}"
        return fetch(archive.url, archive.md5, place, advice)
    folder, names = Path(mirror), list(unpacked)
    if any((folder / name).exists() for name in names):
        return folder
    packed = folder / archive.file
    if packed.is_file():
        return verified(packed, archive.md5, f"get it from {archive.url}")
    raise UserError(
        f"{packed}: no such file, nor {folder / names[0]} (with {MIRROR} set nothing is downloaded); "
        f"place one of them there, or unset {MIRROR}"
    )


def _from_folder(folder: Path, archive: Archive) -> Iterator[tuple[str, bytes]]:
    for name in archive.members:
        path = folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            advice = f"unpack {archive.file} from {archive.url} in {folder}"
            raise UserError(f"{path}: {error.strerror}; {advice}") from None
        yield name, _checked(content, path, name, archive)


def _from_tar(path: Path, archive: Archive) -> Iterator[tuple[str, bytes]]:
    """Read members by their exact names; no path of the archive is used to write a file."""
    missing, advice = set(archive.members), f"get it again from {archive.url}"
    for name, content in tar_files(path, missing.__contains__, advice):
        missing.remove(name)
        yield name, _checked(content, path, name, archive)
    if missing:
        raise UserError(f"{path}: holds no {min(missing)}; {advice}")


def _checked(content: bytes, path: Path, name: str, archive: Archive) -> bytes:
    md5 = md5_of_bytes(content)
    if md5 != archive.members[name]:
        raise UserError(
            f"{path}: {name} has {len(content)} bytes with MD5 {md5}, not {archive.members[name]}: "
            f"truncated or changed; get it again from {archive.url}"
        )
    return content


@dataclass(frozen=True)
class LooseFile:
    """One file that its authors publish without an archive.

    Attributes:
        url: its address.
        md5: checksum of its bytes.
        name: its path below the mirror or the downloads folder.
    """

    url: str
    md5: str
    name: str


def read_loose(file: LooseFile, downloads: Path) -> bytes:
    """Return the verified bytes of a file; with REUNLEARN_DATA_MIRROR nothing is downloaded.

    Raises:
        UserError: the file is missing or damaged, or the download failed.
    """
    if mirror := os.environ.get(MIRROR):
        path = Path(mirror) / file.name
        if not path.is_file():
            raise UserError(
                f"{path}: no such file (with {MIRROR} set nothing is downloaded); "
                f"place {file.url} there, or unset {MIRROR}"
            )
        return verified(path, file.md5, f"get it again from {file.url}").read_bytes()
    place = downloads / file.name
    advice = f"or set {MIRROR} to a folder that holds {file.name}, or place that file at {place}"
    return fetch(file.url, file.md5, place, advice).read_bytes()
