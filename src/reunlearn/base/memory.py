"""How much memory is free: by the kernel, or by the limit of a batch system's job."""

from __future__ import annotations

import os
from pathlib import Path

CGROUPS = "sys/fs/cgroup"


def available(root: Path = Path("/")) -> int:
    """Return the free bytes: what the kernel reports, or the limit of a batch system's job if this is less."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([free, *_job_limits(root)])


def _job_limits(root: Path) -> list[int]:
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    group = Path(next((line.removeprefix("0::/") for line in groups if line.startswith("0::/")), ""))
    folders = [root / CGROUPS / part for part in (group, *group.parents)]
    limits = [path.read_text().strip() for f in folders if (path := f / "memory.max").is_file()]
    return [int(limit) for limit in limits if limit != "max"]
