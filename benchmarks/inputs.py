"""What a job's check of its inputs costs: `python benchmarks/inputs.py STUDY`, in a project where that study was run.

Each job's check, twice: with nothing remembered of its files, and as a job finds it, against the seconds of the job.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections import defaultdict
from pathlib import Path

from reunlearn.artifacts.record import read_record
from reunlearn.artifacts.soundness import check_inputs
from reunlearn.base.caches import state_dir
from reunlearn.study.plan import make_plan


def main(study: str) -> None:
    """Print the seconds of the checks by stage, and their share."""
    jobs = [
        (job, record.seconds["total"])
        for job in make_plan(study).jobs.values()
        if (record := read_record(Path(job.folder)))
    ]
    shutil.rmtree(state_dir() / "hashes", ignore_errors=True)
    for state in ("nothing remembered", "remembered"):
        checks: dict[str, float] = defaultdict(float)
        work: dict[str, float] = defaultdict(float)
        for job, seconds in jobs:
            begin = time.perf_counter()
            check_inputs(job)
            checks[job.stage] += time.perf_counter() - begin
            work[job.stage] += seconds
        share = 100 * sum(checks.values()) / sum(work.values())
        print(f"{state}: {sum(checks.values()):.2f} s of {sum(work.values()):.1f} s, {share:.2f} %")
        for stage, seconds in checks.items():
            print(
                f"  {stage:10} {seconds:7.3f} s of {work[stage]:7.2f} s, {100 * seconds / work[stage]:.2f} %"
            )


if __name__ == "__main__":
    main(sys.argv[1])
