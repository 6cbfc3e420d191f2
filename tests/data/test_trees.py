"""Many files by name: the same from a folder, a zip and a tar; damaged and missing ones are named."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.sources import Archive, tree

FILES = {"a/2.txt": b"2" * 5000, "a/10.txt": b"10", "top.txt": b"", "b/c/3.txt": b"3"}


def make_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("set/", b"")
        for name, content in files.items():
            opened.writestr(name, content)


def make_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))


@pytest.fixture(params=["folder", "zip", "tgz"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def place(kind: str, mirror: Path, files: dict[str, bytes]) -> Archive:
    """Put files into the mirror, packed or not; things outside the archive's folder beside them."""
    inside = {f"set/{name}": content for name, content in files.items()}
    path = mirror / f"set.{'tgz' if kind == 'folder' else kind}"
    if kind == "folder":
        for name, content in inside.items():
            (mirror / name).parent.mkdir(parents=True, exist_ok=True)
            (mirror / name).write_bytes(content)
        return Archive(f"http://127.0.0.1:9/{path.name}", "", folder="set")
    outside = {"../escape": b"x", "settled/no": b"x", "/etc/escape": b"x"}
    (make_zip if kind == "zip" else make_tar)(path, inside | outside)
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    return Archive(f"http://127.0.0.1:9/{path.name}", digest, folder="set")


def test_files_are_the_same_wherever_they_lie(kind: str, mirror: Path, tmp_path: Path) -> None:
    archive = place(kind, mirror, FILES)
    before = sorted(tmp_path.rglob("*"))
    with tree(archive, Path("nowhere")) as files:
        assert files.names == ("a/10.txt", "a/2.txt", "b/c/3.txt", "top.txt")
        assert files.folders() == {"a": ["a/10.txt", "a/2.txt"], "b/c": ["b/c/3.txt"], "": ["top.txt"]}
        with ThreadPoolExecutor(4) as pool:
            assert [*pool.map(files.read, list(FILES) * 20)] == list(FILES.values()) * 20
        with pytest.raises(UserError, match=r"a/none\.txt.*(get it again|unpack)"):
            files.read("a/none.txt")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_wrong_checksum_is_one_line(mirror: Path) -> None:
    archive = place("zip", mirror, FILES)
    (mirror / "set.zip").write_bytes(b"x" + (mirror / "set.zip").read_bytes())
    with (
        ExitStack() as stack,
        pytest.raises(UserError, match=f"{archive.md5}: truncated or changed") as error,
    ):
        stack.enter_context(tree(archive, Path("nowhere")))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["zip", "tgz"])
@pytest.mark.parametrize("damage", ["cut", "nothing left", "no archive"])
def test_a_damaged_archive_is_one_line_even_with_the_right_checksum(
    kind: str, damage: str, mirror: Path
) -> None:
    place(kind, mirror, FILES)
    path = mirror / f"set.{kind}"
    whole = path.read_bytes()
    content = {"cut": whole[: len(whole) // 2], "nothing left": b"", "no archive": b"no archive at all" * 9}[
        damage
    ]
    path.write_bytes(content)
    archive = Archive(f"http://127.0.0.1:9/{path.name}", hashlib.md5(content).hexdigest(), folder="set")
    with ExitStack() as stack, pytest.raises(UserError, match=rf"set\.{kind}: damaged") as error:
        stack.enter_context(tree(archive, Path("nowhere")))
    assert "\n" not in str(error.value)


def test_a_damaged_file_in_a_zip_is_named(mirror: Path) -> None:
    place("zip", mirror, FILES)
    path = mirror / "set.zip"
    content = bytearray(path.read_bytes())
    content[content.index(b"set/a/2.txt") + len("set/a/2.txt") + 3] ^= 255
    path.write_bytes(bytes(content))
    archive = Archive("http://127.0.0.1:9/set.zip", hashlib.md5(content).hexdigest(), folder="set")
    with tree(archive, Path("nowhere")) as files:
        assert files.read("a/10.txt") == b"10"
        with pytest.raises(UserError, match=r"a/2\.txt is damaged"):
            files.read("a/2.txt")


def test_an_empty_mirror_names_both_places(mirror: Path) -> None:
    archive = Archive("http://127.0.0.1:9/set.zip", "", folder="set")
    with (
        ExitStack() as stack,
        pytest.raises(UserError, match=f"{mirror}/set.zip: no such file, nor {mirror}/set "),
    ):
        stack.enter_context(tree(archive, Path("nowhere")))
