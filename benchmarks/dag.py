"""What large studies cost before and after their jobs: `python benchmarks/dag.py [--quick] [CASE…]`.

papers: a dry run of the five papers' studies in full size, planned as one.
large: a dry run of a study on digits with as many seeds as make 50,000 jobs.
finished: a run of such a study of 4,000 jobs of which all is made; it has to find out so. What is made are true
manifests and records around small files.

Each is Snakemake in a process of its own, after one that fills the caches (plugins, code digests): seconds of its user
time, seconds that passed, the most memory that it held. `plan` is the share of `make_plans`, in another process. Where
other processes use the machine, user time grows, too: the loop of 10 million additions tells by how much.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from history import Row, options, publish
from machine import ROOT

COPIED = ("config", "workflow", "Snakefile", "environment.yml")
SOURCE = "methods-on-digits"  # whose experiment `random` the made-up studies repeat
SEEDS = {"large": 218, "finished": 18}  # of these studies: 50,000 and 4,000 jobs
QUICK_SEEDS = {"large": 2, "finished": 1}
CASES = {"papers": "all", **{name: name for name in SEEDS}}
USUAL = ("papers", "finished")  # where none is named: `large` takes minutes
SECONDS = {"papers": 20.0, "large": 100.0, "finished": 15.0}  # of user time, at most
MEGABYTES = {"papers": 600.0, "large": 1200.0}
PLAN = """
import sys, time
from reunlearn.study import asked
from reunlearn.study.catalogue import catalogue
from reunlearn.study.plan import make_plans
catalogue()
begin = time.process_time()
plans = make_plans(asked.studies(sys.argv[1]))
print(len(plans.jobs), time.process_time() - begin)
"""


@dataclass(frozen=True)
class Cost:
    """Of one process: seconds of user time, seconds that passed, megabytes at most."""

    user: float
    wall: float
    megabytes: float


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of commands in the project's copy."""
    hidden = ("REUNLEARN_", "SNAKEMAKE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "XDG_CACHE_HOME": str(folder / "cache")}


def write_study(folder: Path, name: str, seeds: int) -> None:
    """Write a study with one experiment of the digits' study and so many seeds."""
    studies = folder / "config" / "studies"
    content = yaml.safe_load((studies / f"{SOURCE}.yaml").read_text(encoding="utf-8"))
    experiment: dict[str, Any] = content["experiments"][0] | {"seeds": list(range(seeds))}
    study = {"name": name, "title": "A benchmark", "experiments": [experiment]}
    (studies / f"{name}.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")


def snakemake(folder: Path, study: str, *options: str) -> tuple[Cost, str]:
    """Run Snakemake with the default profile; return what it took and what it printed."""
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
    command += ["--cores", "2", *options, "--config", f"study={study}", "device=cpu"]
    with (folder / "printed").open("w+") as printed:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=printed, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        printed.seek(0)
        text = printed.read()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{text[-4000:]}")
    return Cost(usage.ru_utime, wall, usage.ru_maxrss * 1024 / 1e6), text


def planned(folder: Path, study: str) -> tuple[int, float]:
    """Return the number of jobs and the seconds that planning takes."""
    command = [sys.executable, "-c", PLAN, study]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), check=True, stdout=subprocess.PIPE, text=True
    )
    jobs, seconds = done.stdout.split()
    return int(jobs), float(seconds)


def pretend(folder: Path, study: str) -> None:
    """Write true manifests and records around small files, as if every job of a study had been made."""
    command = [sys.executable, str(Path(__file__).with_name("pretend.py")), study]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True)


def additions() -> float:
    """Return the seconds that 10 million additions take this process now."""
    begin, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - begin


def measured(folder: Path, name: str) -> list[Row]:
    """Return the figures of one case."""
    jobs, plan = planned(folder, CASES[name])
    if name == "finished":
        pretend(folder, CASES[name])
    cost, text = snakemake(folder, CASES[name], *(() if name == "finished" else ("--dry-run",)))
    if name == "finished" and "Nothing to be done" not in text:
        raise SystemExit(f"{name}: there was something to be done\n{text[-4000:]}")
    details = {
        "jobs": jobs,
        "plan s": plan,
        "wall s": cost.wall,
        "ms a job": 1000 * cost.user / jobs,
        "10M additions s": additions(),
    }
    return [
        Row(f"{name}: user time", cost.user, "s", SECONDS[name], at_most=True, details=details),
        Row(f"{name}: memory", cost.megabytes, "MB", MEGABYTES.get(name), at_most=True),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("cases", nargs="*", help=f"some of {', '.join(CASES)}")
    asked = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
        for name, seeds in (QUICK_SEEDS if asked.quick else SEEDS).items():
            write_study(folder, name, seeds)
        snakemake(folder, "quickstart", "--dry-run")  # fills the caches
        for name in asked.cases or (["finished"] if asked.quick else USUAL):
            rows += measured(folder, name)
    publish("dag", rows, asked.quick)


if __name__ == "__main__":
    main()
