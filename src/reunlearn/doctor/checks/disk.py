"""Disk space, against what a study will write."""

from __future__ import annotations

import shutil

from reunlearn.commands.printing import MIB
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=50, title="disk", study="if named")
LITTLE = 1024  # MiB


def look(asked: Asked) -> Found:
    """Compare what is free with what missing jobs are expected to write."""
    free = shutil.disk_usage(".").free // MIB
    stages = asked.overview.stages if asked.overview else ()
    coming = sum(stage.bytes_to_come or 0 for stage in stages) // MIB
    unknown = [stage.stage for stage in stages if stage.bytes_to_come is None]
    needs = f"the study writes about {coming} MiB" if stages else ""
    if unknown:
        needs += f", without {', '.join(unknown)}, of which nothing is known"
    text = f"{free} MiB free" + (f"; {needs}" if needs else "")
    mend = "free some; `reunlearn gc` lists runs that no study names"
    if free < coming:
        yield "problem", text, mend
    elif free < 2 * coming:
        yield "warning", f"{text}; a snapshot puts a second copy into DVC's cache", mend
    elif free < LITTLE:
        yield "warning", text, mend
    else:
        yield "ok", text, ""
