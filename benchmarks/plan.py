"""What planning costs: `python benchmarks/plan.py`.

Each study is planned in a process of its own: the largest of config/studies, and two that exist only here, of many
seeds and methods on digits. Seconds and memory are those of `make_plan` alone, above the imports and the catalogue,
which is read from its cache; each number is the median of three processes.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
LARGEST = "methods-on-digits"
SEEDS = {"seeds-22": 22, "seeds-220": 220}  # of the studies that exist only here
REPETITIONS = 3
MEASURE = """
import resource, sys, time
from reunlearn.study.catalogue import catalogue
from reunlearn.study.plan import make_plan

catalogue()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
plan = make_plan(sys.argv[1])
seconds = time.perf_counter() - begin
print(len(plan.jobs), seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def write_study(config: Path, name: str, seeds: int) -> None:
    """Write a study with the experiment `random` of the largest one and so many seeds."""
    content = yaml.safe_load((config / "studies" / f"{LARGEST}.yaml").read_text(encoding="utf-8"))
    experiment: dict[str, Any] = content["experiments"][0] | {"seeds": list(range(seeds))}
    study = {"name": name, "title": "A benchmark", "experiments": [experiment]}
    (config / "studies" / f"{name}.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")


def measured(folder: Path, study: str) -> tuple[int, float, float]:
    """Return jobs, seconds and MiB of one plan in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "REUNLEARN_STATE": str(folder / "state")}
    command = [sys.executable, "-c", MEASURE, study]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    jobs, seconds, mib = done.stdout.split()
    return int(jobs), float(seconds), float(mib)


def main() -> None:
    """Print a line per study."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(ROOT / "config", folder / "config")
        for name, seeds in SEEDS.items():
            write_study(folder / "config", name, seeds)
        measured(folder, "quickstart")  # makes the catalogue
        print(f"{'study':20}{'jobs':>8}{'seconds':>10}{'MiB':>8}{'µs a job':>10}")
        for study in (LARGEST, *SEEDS):
            jobs, seconds, mib = (
                statistics.median(values)
                for values in zip(*(measured(folder, study) for _ in range(REPETITIONS)), strict=True)
            )
            print(f"{study:20}{jobs:8.0f}{seconds:10.2f}{mib:8.0f}{1e6 * seconds / jobs:10.0f}", flush=True)


if __name__ == "__main__":
    main()
