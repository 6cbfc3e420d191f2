"""Small disks in memory and folders that cannot be written, for a test: root only, taken away at its end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _possible() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    trial = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not _possible(), reason="mounts a small disk: root, where that is allowed")


class Disk:
    """A small disk in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fill(self, leaving: int = 0) -> None:
        """Leave so many bytes free."""
        free = os.statvfs(self.place)
        with (self.place / "filler").open("wb") as filler:
            filler.write(bytes(max(0, free.f_bavail * free.f_frsize - leaving)))

    def empty(self) -> None:
        """Give the room back."""
        (self.place / "filler").unlink()


@contextmanager
def mounted(place: Path) -> Iterator[Disk]:
    """Mount a small disk at a place until the end of the block; what is there afterwards goes with it."""
    place.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place))
    try:
        yield Disk(place)
    finally:
        _unmount(place)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Let nobody write to a folder until the end of the block."""
    _mount("--bind", str(place), str(place))
    try:
        _mount("-o", "remount,bind,ro", str(place))
        yield
    finally:
        _unmount(place)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True, capture_output=True)
