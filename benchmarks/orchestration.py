"""Where the core-seconds of a study go: `python benchmarks/orchestration.py [STUDY] [methods=A,B] [seeds=0,1]`.

Runs the study (`quickstart` if absent; narrowed if methods or seeds are named) in a copy of the project, with the
default profile on CORES cores (environment; 1 if absent), and prints what each stage computed and what went beside it.
Core-seconds are user and system time: a busy machine changes them less than the time that passes.

- Of stages, from their records: `computing`, and `before` it, in the job's process: checking what it reads, imports.
- Of processes, from the system: Snakemake itself, what it starts (a shell and a client per job), the warm worker itself
  (imports, forks), and its jobs. What its jobs took and no record tells is `start and end`: what a fork copies,
  publishing, leaving.

Training, unlearning and evaluating is the work; all else is outside. `idle` are core-seconds in which this study did
not run: on a machine that others use, those of others, too.

Quickstart (480 jobs), runs on quiet machines: 84 core-seconds of work and 39 outside (32 %); 104 and 45 before
measurements shared forks. On a busy machine: 191 and 91; 127 and 94 (42 %) before the worker prepared jobs and the
client imported little. All of methods-on-digits, one seed of three (`--config study=methods-on-digits seeds=100`, 1,343
jobs), two quiet cores: 161 s; at commit 70c2091 301 s.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from history import Row, publish

from reunlearn.artifacts.record import processor, read_record, versions
from reunlearn.study.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("src", "config", "workflow", "Snakefile", "environment.yml", "data.dvc")
CORES = int(os.environ.get("CORES", "1"))
SUBREAPER = 36  # of prctl: the worker, which outlives Snakemake, becomes a child of this process
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Ended:
    """Core-seconds of a process that ended, and of those that it started and waited for."""

    own: float
    started: float


@dataclass
class Sum:
    """Of the jobs of a stage, in core-seconds."""

    jobs: int = 0
    before: float = 0.0
    computing: float = 0.0


def copy_project(folder: Path) -> None:
    """Copy the sources, so that a benchmark never touches the user's runs."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)


def run(folder: Path, config: list[str], *options: str) -> tuple[float, Ended, Ended]:
    """Run Snakemake; return the seconds that passed, and what it and all else that outlived it took."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
    environment |= {"PYTHONPATH": str(folder / "src"), "REUNLEARN_EARLY": "1"}
    environment["XDG_CACHE_HOME"] = str(folder / "cache")
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
    command += ["--cores", str(CORES), *options, "--config", *config]
    with (folder / "printed").open("w") as printed:
        begin = time.perf_counter()
        started = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=printed)
        snakemake, code = ended(started.pid)
        wall = time.perf_counter() - begin
    started.returncode = code
    if code:
        raise SystemExit(f"{' '.join(command)}\n{(folder / 'printed').read_text()[-4000:]}")
    others = Ended(0.0, 0.0)
    while (left := next_child()) is not None:
        other, _ = ended(left)
        others = Ended(others.own + other.own, others.started + other.started)
    return wall, snakemake, others


def next_child() -> int | None:
    """Return a child that ended; None where there is no child."""
    try:
        child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        return None
    return child.si_pid if child else None


def ended(pid: int) -> tuple[Ended, int]:
    """Wait for a child; return what it took, and its exit code."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system, started_user, started_system = map(int, fields[11:15])
    _, status = os.waitpid(pid, 0)
    took = Ended((user + system) / TICK, (started_user + started_system) / TICK)
    return took, os.waitstatus_to_exitcode(status)


def stages(folder: Path) -> dict[tuple[str, str], Sum]:
    """Return the sums of each stage, and of each kind of measure, from the records."""
    sums: dict[tuple[str, str], Sum] = {}
    for path in folder.glob("r*/**/record.json"):
        record = read_record(path.parent)
        assert record and record.cpu_seconds
        specification = json.loads((path.parent / "specification.json").read_text(encoding="utf-8"))
        measure = specification.get("measure") if specification["stage"] == "measure" else None
        key = (specification["stage"], measure["name"] if measure else "")
        each = sums.setdefault(key, Sum())
        each.jobs += 1
        each.before += record.cpu_seconds["before"]
        each.computing += record.cpu_seconds["total"]
    order = list(STAGES)
    return dict(sorted(sums.items(), key=lambda entry: (order.index(entry[0][0]), entry[0][1])))


def line(name: str, jobs: int | str, inside: float | str, outside: float | str) -> None:
    """Print a line of the table."""
    shown = [f"{value:.1f}" if isinstance(value, float) else value for value in (inside, outside)]
    print(f"{name:34}{jobs:>7}{shown[0]:>12}{shown[1]:>12}")


def main() -> None:
    """Run a study and print the table."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    study, narrowed = "quickstart", []
    for word in sys.argv[1:]:
        if "=" in word:
            narrowed.append(word)
        else:
            study = word
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "project")
        folder.mkdir()
        copy_project(folder)
        config = [f"study={study}", "device=cpu", *narrowed]
        run(folder, config, "--dry-run")  # fills the caches
        wall, snakemake, others = run(folder, config)
        sums = stages(folder)
    jobs = sum(each.jobs for each in sums.values())
    inside = sum(each.computing for (name, _), each in sums.items() if STAGES[name].share)
    used = snakemake.own + snakemake.started + others.own + others.started
    told = sum(each.before + each.computing for each in sums.values())
    print(f"{study} {' '.join(narrowed)}: {jobs} jobs in {wall:.0f} s on {CORES} cores")
    print(
        f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {versions()['torch']}"
    )
    line("core-seconds", "jobs", "the work", "outside")
    for (name, measure), each in sums.items():
        work = each.computing if STAGES[name].share else 0.0
        line(f"{name} {measure}", each.jobs, work, each.before + each.computing - work)
    line("jobs' start and end", jobs, "", others.started - told)
    line("the warm worker itself", 1, "", others.own)
    line("a shell and a client per job", jobs, "", snakemake.started)
    line("Snakemake itself", 1, "", snakemake.own)
    line("sum", jobs, inside, used - inside)
    details = {"core-seconds": used, "the work": inside, "jobs": jobs, "idle": wall * CORES - used}
    name = " ".join([study, *narrowed])
    most = 100 / 3 if name == "quickstart" else None
    row = Row(
        f"{name}: outside the work", 100 * (1 - inside / used), "%", most, at_most=True, details=details
    )
    publish("orchestration", [row], quick=False)


if __name__ == "__main__":
    main()
