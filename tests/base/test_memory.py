"""How much memory is free, from what a kernel tells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reunlearn.base.memory import available


def machine(root: Path, group: str | None, limits: dict[str, str]) -> Path:
    """Write what a kernel tells, under a folder."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text("MemTotal:  4000 kB\nMemFree:  10 kB\nMemAvailable:  3000 kB\n")
    if group is not None:
        (root / "proc/self/cgroup").write_text(f"1:name=systemd:/other\n0::{group}\n")
    for folder, limit in limits.items():
        (root / "sys/fs/cgroup" / folder).mkdir(parents=True, exist_ok=True)
        (root / "sys/fs/cgroup" / folder / "memory.max").write_text(f"{limit}\n")
    return root


@pytest.mark.parametrize(
    ("group", "limits", "wanted"),
    [
        (None, {}, 3000 * 1024),
        ("/", {}, 3000 * 1024),
        ("/job/step", {"job": "max", "job/step": "max"}, 3000 * 1024),
        ("/job/step", {"job": "1048576", "job/step": "max"}, 1048576),
        ("/job/step", {"job": "2097152", "job/step": "1048576"}, 1048576),
        ("/job/step", {"another": "1048576"}, 3000 * 1024),
        ("/", {".": "1048576"}, 1048576),  # inside a container
    ],
)
def test_the_limit_of_a_job_counts(tmp_path: Path, group: str | None, limits: dict, wanted: int) -> None:
    assert available(machine(tmp_path, group, limits)) == wanted


def test_a_system_without_proc_has_all_its_memory(tmp_path: Path) -> None:
    assert available(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
