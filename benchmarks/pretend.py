"""Fill the folders of a study as if all its jobs had been made: `python benchmarks/pretend.py STUDY`.

It works in the current folder, a copy of the project. Manifests and records are true, what they vouch for are small
files of made-up content: for measuring what looks at them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import described, read_manifest, write_manifest
from reunlearn.artifacts.record import write_record
from reunlearn.artifacts.soundness import FILES, write_listing
from reunlearn.commands.execute_plan import in_order
from reunlearn.study import paths
from reunlearn.study.jobs import Job, PrepareJob
from reunlearn.study.plan import make_plan, write_specifications
from reunlearn.study.stages import STAGES


def make(job: Job) -> None:
    """Write what a job leaves, after those that it reads."""
    folder, files = Path(job.folder), STAGES[job.stage].files
    for name in files:
        (folder / name).write_text(job.folder)
    if isinstance(job, PrepareJob):
        data = Path(paths.data(job.dataset))
        data.mkdir(parents=True, exist_ok=True)
        (data / "x.npy").write_text(job.folder)
        write_listing(folder / FILES, described(data, ["x.npy"]))
    seconds = {"total": 1.0}
    write_record(folder, seconds=seconds, peak_memory_mib=None, device="cpu", threads=job.threads, facts={})
    read = {f: manifest.content for f in job.inputs.folders() if (manifest := read_manifest(Path(f)))}
    write_manifest(folder, job, job_digest(job.stage, job.modules), read, list(files))


def main() -> None:
    """Make every job of the study; nobody waits for the disk."""
    os.fsync = lambda file: None  # type: ignore[assignment]
    jobs = make_plan(sys.argv[1]).jobs
    write_specifications(jobs.values())
    for job in in_order(jobs):
        make(job)


if __name__ == "__main__":
    main()
