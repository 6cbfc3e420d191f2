"""Memory, against the largest job of a study."""

from __future__ import annotations

from reunlearn.base.memory import available
from reunlearn.commands.plan import short_memory
from reunlearn.commands.printing import MIB
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=40, title="memory", study="if named")


def look(asked: Asked) -> Found:
    """Compare what is free with what a job of a study may take."""
    free = available() // MIB
    waiting = [stage for stage in (asked.overview.stages if asked.overview else ()) if stage.to_run]
    if not waiting:
        yield "ok", f"{free} MiB free", ""
        return
    largest = max(waiting, key=lambda stage: stage.memory_mib)
    needs = f"the largest job, of stage '{largest.stage}', may take {largest.memory_mib} MiB"
    if asked.on_cluster:
        yield "ok", f"{needs}; the profile asks Slurm for that", ""
    elif short_memory(waiting, free):
        yield (
            "problem",
            f"{free} MiB free, and {needs}",
            ("free some, give the recipe a smaller batch_size, or run it on a larger machine"),
        )
    else:
        jobs = free // largest.memory_mib if largest.memory_mib else 0
        yield "ok", f"{free} MiB free; {needs}: {jobs} of them at a time (CORES)", ""
