"""Official archives: from a local mirror, or downloaded; every byte verified, nothing unpacked to disk."""

from __future__ import annotations

import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reunlearn.data.download import fetch, verified
from reunlearn.study.errors import UserError

MIRROR = "REUNLEARN_DATA_MIRROR"


@dataclass(frozen=True)
class Archive:
    """A tar.gz that its authors publish.

    Attributes:
        url: where it is; the last part is the file's name.
        md5: published checksum of the archive.
        members: the files that are read, by their exact name in the archive, with their MD5.
    """

    url: str
    md5: str
    members: Mapping[str, str]

    @property
    def file(self) -> str:
        """The archive's file name."""
        return self.url.rsplit("/", 1)[-1]


def contents(archive: Archive, downloads: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, verified bytes) of each member, in no particular order.

    With REUNLEARN_DATA_MIRROR nothing is downloaded: that folder holds the archive, or its members unpacked.

    Raises:
        UserError: a file is missing or damaged, or the download failed.
    """
    if not (mirror := os.environ.get(MIRROR)):
        place = downloads / archive.file
        advice = f"or set {MIRROR} to a folder that holds {archive.file}, or place that file at {place}"
        return _from_tar(fetch(archive.url, archive.md5, place, advice), archive)
    folder = Path(mirror)
    if any((folder / name).exists() for name in archive.members):
        return _from_folder(folder, archive)
    packed = folder / archive.file
    if packed.is_file():
        return _from_tar(verified(packed, archive.md5, f"get it from {archive.url}"), archive)
    inside = next(iter(archive.members))
    raise UserError(
        f"{packed}: no such file, nor {folder / inside} (with {MIRROR} set nothing is downloaded); "
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
    """Read members by their exact names: no path of the archive ever names a file to write."""
    waiting = set(archive.members)
    try:
        with tarfile.open(path, "r:gz") as opened:
            for member in opened:
                handle = opened.extractfile(member) if member.isfile() and member.name in waiting else None
                if handle is not None:
                    waiting.remove(member.name)
                    yield member.name, _checked(handle.read(), path, member.name, archive)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"{path}: damaged ({error}); get it again from {archive.url}") from None
    if waiting:
        raise UserError(f"{path}: holds no {min(waiting)}; get it again from {archive.url}")


def _checked(content: bytes, path: Path, name: str, archive: Archive) -> bytes:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != archive.members[name]:
        raise UserError(
            f"{path}: {name} has {len(content)} bytes with MD5 {found}, not {archive.members[name]}: "
            f"truncated or changed; get it again from {archive.url}"
        )
    return content
