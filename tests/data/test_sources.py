"""Archives from a mirror: as archive, unpacked, damaged, missing; never a write outside."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.data import sources
from reunlearn.data.sources import MIRROR, Archive, LooseFile, contents, read_loose

FILES = {"set/one": b"1" * 5000, "set/two": b"2" * 7000}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def pack(path: Path, files: dict[str, bytes]) -> str:
    """Write a tar.gz; return its MD5."""
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return md5(path.read_bytes())


def make_archive(digest: str = "") -> Archive:
    return Archive("http://127.0.0.1:9/set.tar.gz", digest, {n: md5(c) for n, c in FILES.items()})


def unpack(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def refused(archive: Archive, *parts: str | Path) -> None:
    """Reading must fail with one line that holds these parts."""
    with pytest.raises(UserError) as error:
        dict(contents(archive, Path("nowhere")))
    assert "\n" not in str(error.value)
    for part in parts:
        assert str(part) in str(error.value)


def test_an_unpacked_mirror_is_read(mirror: Path) -> None:
    unpack(mirror, FILES)
    assert dict(contents(make_archive(), Path("nowhere"))) == FILES


def test_a_packed_mirror_is_read_by_exact_names(mirror: Path, tmp_path: Path) -> None:
    digest = pack(mirror / "set.tar.gz", {"../escape": b"x", "/etc/escape": b"x", "set/other": b"x", **FILES})
    before = sorted(tmp_path.rglob("*"))
    assert dict(contents(make_archive(digest), Path("nowhere"))) == FILES
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_mirror_names_both_places(mirror: Path) -> None:
    refused(make_archive(), mirror / "set.tar.gz", mirror / "set/one", MIRROR)


def test_a_file_missing_from_the_mirror_is_named(mirror: Path) -> None:
    unpack(mirror, {"set/one": FILES["set/one"]})
    refused(make_archive(), mirror / "set/two", "No such file", "unpack set.tar.gz")


@pytest.mark.parametrize("damaged", [FILES["set/two"][:-1], b"3" + FILES["set/two"][1:]])
def test_a_damaged_file_in_the_mirror_is_named(mirror: Path, damaged: bytes) -> None:
    unpack(mirror, FILES | {"set/two": damaged})
    refused(make_archive(), mirror / "set/two", f"{len(damaged)} bytes", md5(FILES["set/two"]))


def test_a_damaged_archive_is_named(mirror: Path) -> None:
    digest = pack(mirror / "set.tar.gz", FILES)
    whole = (mirror / "set.tar.gz").read_bytes()
    (mirror / "set.tar.gz").write_bytes(whole[:-20])
    refused(make_archive(digest), mirror / "set.tar.gz", "truncated", digest)


@pytest.mark.parametrize("content", [b"no archive at all", b"\x1f\x8b\x08" + b"\0" * 50, b""])
def test_what_is_no_archive_is_one_line_even_with_the_right_checksum(mirror: Path, content: bytes) -> None:
    (mirror / "set.tar.gz").write_bytes(content)
    refused(make_archive(md5(content)), mirror / "set.tar.gz", "damaged")


def test_a_cut_archive_is_one_line_even_with_the_right_checksum(mirror: Path) -> None:
    pack(mirror / "set.tar.gz", FILES)
    cut = (mirror / "set.tar.gz").read_bytes()[:-30]
    (mirror / "set.tar.gz").write_bytes(cut)
    refused(make_archive(md5(cut)), mirror / "set.tar.gz", "damaged")


def test_a_member_missing_from_the_archive_is_named(mirror: Path) -> None:
    digest = pack(mirror / "set.tar.gz", {"set/one": FILES["set/one"], "set/two.txt": FILES["set/two"]})
    refused(make_archive(digest), mirror / "set.tar.gz", "holds no set/two")


def test_a_link_in_place_of_a_member_is_not_followed(mirror: Path) -> None:
    with tarfile.open(mirror / "set.tar.gz", "w:gz") as opened:
        link = tarfile.TarInfo("set/one")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    refused(make_archive(md5((mirror / "set.tar.gz").read_bytes())), "holds no set/one")


def test_without_a_mirror_the_archive_comes_from_the_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    asked = []

    def fake(url: str, digest: str, path: Path, advice: str) -> Path:
        asked.append((url, path))
        assert MIRROR in advice
        assert str(path) in advice
        return path

    monkeypatch.setattr(sources, "fetch", fake)
    archive = make_archive(pack(tmp_path / "set.tar.gz", FILES))
    assert dict(contents(archive, tmp_path)) == FILES
    assert asked == [(archive.url, tmp_path / "set.tar.gz")]


LOOSE = LooseFile("http://127.0.0.1:9/one", md5(FILES["set/one"]), "set/one")


def test_a_loose_file_is_read_from_the_mirror(mirror: Path) -> None:
    unpack(mirror, FILES)
    assert read_loose(LOOSE, Path("nowhere")) == FILES["set/one"]


@pytest.mark.parametrize("content", [None, FILES["set/one"][:-1], b"2" + FILES["set/one"][1:], b""])
def test_a_loose_file_that_is_missing_or_damaged_is_named(mirror: Path, content: bytes | None) -> None:
    unpack(mirror, {} if content is None else {"set/one": content})
    with pytest.raises(UserError) as error:
        read_loose(LOOSE, Path("nowhere"))
    assert "\n" not in str(error.value)
    wanted = MIRROR if content is None else LOOSE.md5
    assert all(part in str(error.value) for part in (str(mirror / "set/one"), LOOSE.url, wanted))


def test_without_a_mirror_a_loose_file_comes_from_the_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    unpack(tmp_path, FILES)
    assert read_loose(LOOSE, tmp_path) == FILES["set/one"]
    (tmp_path / "set/one").unlink()
    with pytest.raises(UserError, match="cannot be reached") as error:
        read_loose(LOOSE, tmp_path)
    assert MIRROR in str(error.value)
