"""Real DVC remotes on this machine: a folder, an sshd, an S3 server; each started for a test, stopped by its id."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port, serving

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs openssh-server")
KINDS = (  # by make test, one of them
    pytest.param("folder", marks=pytest.mark.thorough),
    pytest.param("ssh", marks=[pytest.mark.thorough, needs_sshd]),
    "s3",
)
BUCKET = "studies"
CREDENTIALS = {"access_key_id": "someone", "secret_access_key": "a secret"}  # moto takes any


@contextmanager
def started(kind: str, place: Path) -> Iterator[dict[str, str]]:
    """Start the server of a kind of remote; yield what a clone sets for it: DVC's options of the remote, by name."""
    place.mkdir(parents=True, exist_ok=True)
    with {"folder": _folder, "ssh": _sshd, "s3": _s3}[kind](place) as options:
        yield options


def use(project: Path, options: dict[str, str]) -> None:
    """Name the remote in a clone, as `dvc remote modify --local` does: such options may hold secrets."""
    lines = [f"    {name} = {value}\n" for name, value in options.items()]
    (project / ".dvc/config.local").write_text("['remote \"storage\"']\n" + "".join(lines))


def objects(kind: str, place: Path, options: dict[str, str]) -> dict[str, bytes]:
    """Return {name: content} of every object in a remote."""
    if kind == "s3":
        bucket = _bucket(options)
        return {entry.key: entry.get()["Body"].read() for entry in bucket.objects.all()}
    return {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("files/md5/*/*") if p.is_file()}


def overwrite(kind: str, place: Path, options: dict[str, str], name: str, content: bytes) -> None:
    """Put other bytes in place of an object of a remote."""
    if kind == "s3":
        _bucket(options).put_object(Key=name, Body=content)
        return
    (place / name).chmod(0o644)
    (place / name).write_bytes(content)


@contextmanager
def _folder(place: Path) -> Iterator[dict[str, str]]:
    yield {"url": str(place)}


@contextmanager
def _sshd(place: Path) -> Iterator[dict[str, str]]:
    """An sshd for this user alone, with keys of its own; what it serves lies in the same folder."""
    keys = place.with_name(f"{place.name}-ssh")
    keys.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True)
    shutil.copy(keys / "user.pub", keys / "authorized")
    port = free_port()
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": keys / "host",
        "PidFile": keys / "pid",
        "AuthorizedKeysFile": keys / "authorized",
        "PasswordAuthentication": "no",
        "UsePAM": "no",
        "StrictModes": "no",  # of pytest's folder others may know the name
        "Subsystem": "sftp internal-sftp",
    }
    (keys / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd of root asks for it
    command = [str(SSHD), "-D", "-e", "-f", str(keys / "config")]
    with serving(command, port, keys / "log"):
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{place}"
        yield {"url": url, "keyfile": str(keys / "user")}


@contextmanager
def _s3(place: Path) -> Iterator[dict[str, str]]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port, place / "log"):
        options = {
            "url": f"s3://{BUCKET}/ours",
            "endpointurl": f"http://127.0.0.1:{port}",
            "region": "us-east-1",
            **CREDENTIALS,
        }
        _bucket(options).create()
        yield options


def _bucket(options: dict[str, str]) -> object:
    import boto3

    return boto3.resource(
        "s3",
        endpoint_url=options["endpointurl"],
        region_name=options["region"],
        aws_access_key_id=options["access_key_id"],
        aws_secret_access_key=options["secret_access_key"],
    ).Bucket(BUCKET)
