"""A folder, a real sshd and a real S3 server as remotes: damage or silence is one line, and nothing wrong is taken."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reunlearn.base.set_aside import SetAside
from reunlearn.storage import dvc_store, remote
from reunlearn.storage.dvc_files import LOCK, read_lock
from reunlearn.storage.pull import Pulled, pull_entries
from reunlearn.storage.remote import Remote
from tests.servers import free_port
from tests.storage import dvc_project, remotes

FILES = {"data/one/x": b"1", "data/two/x": b"2", "data/two/y": b"3"}


@dataclass
class Stored:
    """A project whose two folders are in a remote; `options` name it."""

    kind: str
    place: Path
    options: dict[str, str]

    def damage(self, content: bytes) -> str:
        """Change the object of some content in the remote; return its name."""
        known = remotes.objects(self.kind, self.place, self.options)
        (name,) = [name for name, found in known.items() if found == content]
        remotes.overwrite(self.kind, self.place, self.options, name, content + b"?")
        return name

    def mend(self, name: str, content: bytes) -> None:
        remotes.overwrite(self.kind, self.place, self.options, name, content)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two folders in DVC's cache, as the working directory."""
    root = dvc_project.create(tmp_path / "project")
    dvc_project.write(root, FILES)
    monkeypatch.chdir(root)
    dvc_store.commit(LOCK, ["data/one", "data/two"])
    return root


@pytest.fixture(params=remotes.KINDS)
def stored(request: pytest.FixtureRequest, project: Path) -> Iterator[Stored]:
    """The project, pushed to a remote of each kind; here it has nothing but the entries any more."""
    place = project.with_name("remote")
    with remotes.started(request.param, place) as options:
        remotes.use(project, options)
        assert Remote().silence is None
        assert dvc_store.push(["data/one", "data/two"]) is None
        forget()
        yield Stored(request.param, place, options)


def forget() -> None:
    """Remove the files and DVC's cache."""
    shutil.rmtree("data", ignore_errors=True)
    shutil.rmtree(".dvc/cache", ignore_errors=True)


def pull(*folders: str) -> Pulled:
    return pull_entries({folder: read_lock()[folder] for folder in folders}, Remote(), SetAside())


def files() -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in Path("data").rglob("*") if p.is_file()}


def of(*folders: str) -> dict[str, bytes]:
    return {name: content for name, content in FILES.items() if name.startswith(folders)}


def test_what_is_damaged_in_a_remote_is_named_and_not_taken_and_the_rest_is(stored: Stored) -> None:
    name = stored.damage(b"2")
    pulled = pull("data/one", "data/two")
    assert files() == of("data/one")
    ((folder, (line,)),) = pulled.damaged.items()
    assert folder == "data/two" and pulled.complaints == []
    assert line.startswith("not taken: the remote ") and " holds other bytes of x; delete " in line
    assert "\n" not in line and name.endswith(line.split("; delete ")[1].split(" there ")[0])
    stored.mend(name, b"2")
    assert pull("data/two") == Pulled()
    assert files() == FILES


@pytest.mark.thorough
def test_a_damaged_list_of_files_is_noticed_too(stored: Stored) -> None:
    known = remotes.objects(stored.kind, stored.place, stored.options)
    (name,) = [name for name, content in known.items() if b'"y"' in content]
    for content, noticed in ((known[name].replace(b'"y"', b'"z"'), "damaged"), (b"[", "complaints")):
        stored.mend(name, content)
        assert getattr(pull("data/two"), noticed)
        assert files() == {}
        forget()
    stored.mend(name, known[name])
    assert pull("data/two") == Pulled()
    assert files() == of("data/two")


def test_what_is_damaged_in_the_cache_comes_from_the_remote(project: Path) -> None:
    assert dvc_store.push(["data/one", "data/two"]) is None
    shutil.rmtree("data")
    damage_cache(b"2")
    pulled = pull("data/one", "data/two")
    (line,) = pulled.complaints
    assert line == "DVC's cache held other bytes of data/two: x; removed there"
    assert pulled.damaged == {} and files() == FILES


def test_what_is_damaged_in_the_cache_is_not_pushed(project: Path) -> None:
    damage_cache(b"2")
    assert dvc_store.commit(LOCK, ["data/one", "data/two"]) == {}
    assert dvc_store.push(["data/one", "data/two"]) is None
    forget()
    assert pull("data/one", "data/two") == Pulled()
    assert files() == FILES


def damage_cache(content: bytes) -> None:
    """Change the object of some content in DVC's cache, which stays as it was for those who look at its mode only."""
    (place,) = [p for p in Path(".dvc/cache").rglob("*") if p.is_file() and p.read_bytes() == content]
    place.chmod(0o644)
    place.write_bytes(content + b"?")
    place.chmod(0o444)


@pytest.mark.parametrize("kind", ["ssh", pytest.param("s3", marks=pytest.mark.thorough)])
def test_a_server_that_is_down_is_one_line_in_seconds_and_what_the_cache_has_is_taken(
    project: Path, kind: str
) -> None:
    port = free_port()
    options = {
        "ssh": {"url": f"ssh://me:secret@127.0.0.1:{port}/studies"},
        "s3": {"url": "s3://studies/ours", "endpointurl": f"http://127.0.0.1:{port}", **remotes.CREDENTIALS},
    }
    remotes.use(project, options[kind])
    shutil.rmtree("data")
    next(p for p in Path(".dvc/cache").rglob("*") if p.is_file() and p.read_bytes() == b"2").unlink()
    begin = time.monotonic()
    pulled = pull("data/one", "data/two")
    assert time.monotonic() - begin < remote.LIMIT
    (line,) = pulled.complaints
    assert line.startswith(f"not pulled: data/two: {kind}://") and line.endswith("run the same command again")
    assert "onnect" in line and "secret" not in line and "\n" not in line
    assert files() == of("data/one")


def test_a_server_that_says_nothing_is_one_line_in_the_end(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LIMIT", 4)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        remotes.use(project, {"url": f"ssh://127.0.0.1:{mute.getsockname()[1]}/studies"})
        silence = Remote().silence
    assert silence and silence.startswith("no answer within 4 s; see that the server is up")


def test_a_kind_that_is_not_installed_is_one_line_that_says_what_to_install(project: Path) -> None:
    remotes.use(project, {"url": "gs://bucket/studies"})  # no test needs it, so no lock has it
    silence = Remote().silence
    assert silence and silence.startswith(
        "DVC needs dvc-gs for it; `.venv/bin/pip install -c requirements.lock"
    )


def test_a_folder_that_is_not_there_is_named(project: Path) -> None:
    forget()
    (line,) = pull("data/one").complaints
    assert f"there is no folder {project.parent / 'dvc-storage'}; `dvc remote modify --local" in line
