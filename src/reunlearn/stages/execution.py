"""Run one job: read its specification, call its stage, move the outputs to their place, record and manifest last."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import write_manifest
from reunlearn.artifacts.record import write_record
from reunlearn.artifacts.soundness import check_inputs
from reunlearn.artifacts.stopwatch import PeakMemory, Stopwatch
from reunlearn.base.errors import UserError
from reunlearn.base.log_levels import set_levels
from reunlearn.base.refused_writes import told_in_words
from reunlearn.base.secrets import hide_in_streams
from reunlearn.base.threads import limited_threads
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import JobT, read_job, stage_name
from reunlearn.study.stages import STAGES

WORK = ".work-"  # a running job writes to such a folder within its own
ABANDONED_SECONDS = 24 * 3600  # such a folder of another machine is left alone for so long


@dataclass
class Context(Generic[JobT]):
    """What a stage gets.

    Attributes:
        job: the specification.
        folder: where outputs are written; they move to their place together when the stage ends well.
        device: of torch.
        stopwatch, memory: of the record.
        facts: more entries for the record.
    """

    job: JobT
    folder: Path
    device: str = "cpu"
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    memory: PeakMemory = field(default_factory=PeakMemory)
    facts: dict[str, Any] = field(default_factory=dict)

    def resumed(self, seconds: float, section: str = "run") -> None:
        """Count the seconds that an interrupted run of this job spent; the record says that it went on."""
        for each in (section, "total"):
            self.stopwatch.add(each, seconds)
        self.facts["resumed"] = True


def execute(stage: str, specification: str | Path, partial: bool = False) -> None:
    """Run a job by its specification file. `partial` lets aggregate go on where inputs are missing."""
    begin = time.process_time()
    path = Path(specification)
    if (wanted := stage_name(path)) != stage:
        raise UserError(f"{path}: is for the stage '{wanted}', not '{stage}'")
    job = read_job(path, STAGES[stage].job)
    inputs = check_inputs(job) if not partial else {}
    module = importlib.import_module(f"reunlearn.stages.{stage}")
    for plugin in job.modules:  # with the libraries that they need: only what is loaded can be limited
        importlib.import_module(plugin)
    with told_in_words(job.folder), _work_folder(Path(job.folder)) as work, limited_threads(job.threads):
        context = Context(job, work)
        if partial:
            context.facts["partial"] = True
        torch_device = STAGES[stage].torch and getattr(job, "training", None) is not None
        if torch_device:
            from reunlearn.training.device import gpu_facts, prepare_torch

            context.device = prepare_torch(job.threads)
        logging.info("%s %s", stage, job.folder)
        ready = time.process_time()
        with context.stopwatch.section("total"):
            _run(module, context)
        spent = {"before": ready - begin, "total": time.process_time() - ready}
        context.facts["cpu_seconds"] = {name: round(seconds, 6) for name, seconds in spent.items()}
        if context.device.startswith("cuda"):
            context.facts |= gpu_facts(context.device)
        _publish(context, inputs)
        _discard_progress(job.folder)
    logging.info("done in %.2f s", context.stopwatch.seconds["total"])


def _run(module: Any, context: Context[Any]) -> None:
    """Run a stage. Torch says of a batch of one sample what only its authors understand."""
    try:
        module.run(context)
    except ValueError as error:
        if "Expected more than 1 value per channel" not in str(error):
            raise
        raise UserError(
            "a training batch of one sample, which BatchNorm cannot normalise: change the batch_size of the recipe or "
            "of the method, or the number of samples"
        ) from error


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that no other process writes to, removed at the end; remove what killed jobs left."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{WORK}*"):
        if is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    work = folder / f"{WORK}{socket.gethostname()}-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def is_abandoned(work: Path) -> bool:
    """Tell whether the process that wrote to a work folder has ended.

    Of another machine that cannot be known: its folder counts as abandoned after a day without a change.
    """
    host, _, pid = work.name.removeprefix(WORK).rpartition("-")
    if host == socket.gethostname() and pid.isdecimal():
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
    try:
        return time.time() - work.stat().st_mtime > ABANDONED_SECONDS
    except OSError:
        return False


def _publish(context: Context[Any], inputs: dict[Folder, str]) -> None:
    """Move the outputs to their place; record and manifest come last."""
    job, folder = context.job, Path(context.job.folder)
    outputs = sorted(str(p.relative_to(context.folder)) for p in context.folder.rglob("*") if p.is_file())
    for name in outputs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (context.folder / name).replace(folder / name)
    write_record(
        folder,
        seconds=context.stopwatch.seconds,
        peak_memory_mib=context.memory.mib(),
        device=context.device,
        threads=job.threads,
        facts=context.facts,
    )
    if context.facts.get("partial"):
        return  # a report with holes is for reading; it never counts as done
    write_manifest(folder, job, job_digest(job.stage, job.modules), inputs, outputs)


def _discard_progress(folder: str) -> None:
    """Remove what the job kept of its progress, now that its outputs are in their place."""
    if paths.checkpoint(folder).exists():
        from reunlearn.training import checkpoint

        checkpoint.discard(paths.checkpoint(folder))


def specification_of(folder: str) -> Path:
    """Return where the specification of a job lies."""
    return Path(folder) / paths.SPECIFICATION


def run_stage(stage: str, specification: str) -> int:
    """Run a stage; return its exit code. A UserError is one line on stderr."""
    hide_in_streams()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", force=True)
    set_levels()
    try:
        execute(stage, specification)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
