"""Archives that want to write elsewhere, to be followed, or to fill the memory: nothing written, one line of error."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.data import trees
from reunlearn.data.sources import Archive, contents, tree

MiB = 1 << 20


def archive_of(mirror: Path, name: str) -> Archive:
    """Return the archive that lies in the mirror, with its own checksum: nobody stops it for that."""
    return Archive(
        f"http://127.0.0.1:9/{name}", hashlib.md5((mirror / name).read_bytes()).hexdigest(), folder="set"
    )


def read_all(archive: Archive) -> dict[str, bytes]:
    with tree(archive, Path("nowhere")) as files:
        return {name: files.read(name) for name in files.names}


def refused(archive: Archive, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_all(archive)
    assert "\n" not in str(caught.value)
    assert "get it again" in str(caught.value)


def write_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as opened:
        for member, content in members:
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


GOOD = (tarfile.TarInfo("set/a"), b"a")


@pytest.mark.parametrize(
    "member",
    [
        special("set/l", tarfile.SYMTYPE, "/etc/passwd"),
        special("set/l", tarfile.SYMTYPE, "../../outside"),
        special("set/l", tarfile.LNKTYPE, "../outside"),
        special("set/l", tarfile.LNKTYPE, "/etc/passwd"),
        special("set/l", tarfile.FIFOTYPE),
        special("set/l", tarfile.CHRTYPE),
        special("set/l", tarfile.BLKTYPE),
    ],
    ids=lambda member: f"{member.type!r} {member.linkname}",
)
def test_links_devices_and_pipes_of_a_tar_are_no_files(
    mirror: Path, member: tarfile.TarInfo, tmp_path: Path
) -> None:
    write_tar(mirror / "set.tgz", GOOD, (member, b""))
    before = sorted(tmp_path.rglob("*"))
    assert read_all(archive_of(mirror, "set.tgz")) == {"a": b"a"}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["/etc/escape", "../escape", "escape/../../x", "settled/no", "set/../../escape"]
)
@pytest.mark.parametrize("kind", ["tgz", "zip"])
def test_names_that_leave_the_folder_write_nothing(
    mirror: Path, name: str, kind: str, tmp_path: Path
) -> None:
    if kind == "zip":
        with zipfile.ZipFile(mirror / "set.zip", "w") as opened:
            opened.writestr("set/a", b"a")
            opened.writestr(name, b"x")
    else:
        write_tar(mirror / "set.tgz", GOOD, (tarfile.TarInfo(name), b"x"))
    before = sorted(tmp_path.rglob("*"))
    archive = archive_of(mirror, f"set.{kind}")
    if name.startswith("set/"):
        refused(archive, "leaves its folder")
    else:
        assert read_all(archive) == {"a": b"a"}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_of_a_zip_is_not_followed(mirror: Path) -> None:
    link = zipfile.ZipInfo("set/l")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(mirror / "set.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    assert read_all(archive_of(mirror, "set.zip")) == {"l": b"/etc/passwd"}, "its own bytes, no other file's"


def bomb_of_one(mirror: Path, kind: str) -> None:
    """Write 64 MiB that are packed to some kB."""
    if kind == "zip":
        with zipfile.ZipFile(mirror / "set.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr("set/a", bytes(64 * MiB))
    else:
        write_tar(mirror / "set.tgz", (tarfile.TarInfo("set/a"), bytes(64 * MiB)))


def bomb_of_many(mirror: Path, kind: str) -> None:
    """Write 400 small files."""
    if kind == "zip":
        with zipfile.ZipFile(mirror / "set.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            for k in range(400):
                opened.writestr(f"set/{k}", b"")
    else:
        write_tar(mirror / "set.tgz", *((tarfile.TarInfo(f"set/{k}"), b"") for k in range(400)))


def bomb_of_all(mirror: Path, kind: str) -> None:
    """Write 40 files of 2 MiB."""
    if kind == "zip":
        with zipfile.ZipFile(mirror / "set.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            for k in range(40):
                opened.writestr(f"set/{k}", bytes(2 * MiB))
    else:
        write_tar(mirror / "set.tgz", *((tarfile.TarInfo(f"set/{k}"), bytes(2 * MiB)) for k in range(40)))


@pytest.mark.parametrize("kind", ["tgz", "zip"])
@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (bomb_of_one, "more than 4,194,304 bytes in one file"),
        (bomb_of_many, "more than 300 files"),
        (bomb_of_all, "more than 16,777,216 bytes"),
    ],
)
def test_bombs_are_refused_before_they_are_unpacked(
    mirror: Path, kind: str, bomb: Callable[[Path, str], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb(mirror, kind)
    archive = archive_of(mirror, f"set.{kind}")
    assert read_all(archive)  # control: with the real limits these are small
    monkeypatch.setattr(trees, "LARGEST_FILE", 4 * MiB)
    monkeypatch.setattr(trees, "LARGEST_TREE", 16 * MiB)
    monkeypatch.setattr(trees, "MOST_FILES", 300)
    tracemalloc.start()
    refused(archive, words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * MiB


def test_a_header_that_names_a_size_beyond_all_limits_is_refused(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of a pax header may be of any length: tarfile reads them whole."""
    header = tarfile.TarInfo("set/h")
    header.type, header.size = tarfile.XHDTYPE, 64 * MiB
    with gzip.open(mirror / "set.tgz", "wb") as packed:
        packed.write(header.tobuf(tarfile.USTAR_FORMAT))
        packed.write(bytes(64 * MiB))
    monkeypatch.setattr(trees, "LARGEST_FILE", 4 * MiB)
    refused(archive_of(mirror, "set.tgz"), "damaged .a header of 67108864 bytes")


@pytest.mark.parametrize("declared", [1, 2**31])
def test_a_zip_that_lies_about_a_size_is_damaged(mirror: Path, declared: int) -> None:
    with zipfile.ZipFile(mirror / "set.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("set/a", bytes(3 * MiB))
    content = (mirror / "set.zip").read_bytes()
    (mirror / "set.zip").write_bytes(
        content.replace((3 * MiB).to_bytes(4, "little"), declared.to_bytes(4, "little"))
    )
    refused(archive_of(mirror, "set.zip"), "damaged|more than")


def test_an_encrypted_zip_is_one_line(mirror: Path) -> None:
    with zipfile.ZipFile(mirror / "set.zip", "w") as opened:
        opened.writestr("set/a", b"abc")
    content = bytearray((mirror / "set.zip").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (mirror / "set.zip").write_bytes(bytes(content))
    refused(archive_of(mirror, "set.zip"), "damaged")


def test_members_that_are_listed_are_read_once_and_checked(mirror: Path) -> None:
    write_tar(mirror / "set.tgz", (tarfile.TarInfo("set/a"), b"a"), (tarfile.TarInfo("set/a"), b"other"))
    whole = archive_of(mirror, "set.tgz")
    archive = Archive(whole.url, whole.md5, {"set/a": hashlib.md5(b"a").hexdigest()})
    assert dict(contents(archive, Path("nowhere"))) == {"set/a": b"a"}
    other = Archive(whole.url, whole.md5, {"set/a": hashlib.md5(b"b").hexdigest()})
    with pytest.raises(UserError, match="truncated or changed"):
        dict(contents(other, Path("nowhere")))


def test_an_unpacked_mirror_does_not_go_in_circles(mirror: Path) -> None:
    (mirror / "set/b").mkdir(parents=True)
    (mirror / "set/b/1").write_bytes(b"1")
    (mirror / "elsewhere").mkdir()
    (mirror / "elsewhere/2").write_bytes(b"2")
    (mirror / "set/b/up").symlink_to("../..")
    (mirror / "set/b/self").symlink_to(".")
    (mirror / "set/c").symlink_to("../elsewhere")  # the user's own: a data set may lie on another disk
    archive = Archive("http://127.0.0.1:9/set.tgz", "", folder="set")
    assert read_all(archive) == {"b/1": b"1", "c/2": b"2"}


def test_a_pipe_in_an_unpacked_mirror_is_not_waited_for(mirror: Path) -> None:
    (mirror / "set").mkdir()
    os.mkfifo(mirror / "set/a")
    archive = Archive("http://127.0.0.1:9/set.tgz", "", folder="set")
    with ExitStack() as stack, pytest.raises(UserError, match="set/a: is no ordinary file; unpack"):
        stack.enter_context(tree(archive, Path("nowhere"))).read("a")
