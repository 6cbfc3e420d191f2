"""What the workflow costs beside the work: `python benchmarks/startup.py [--quick]`.

Five measurements, in one run, medians: importing what the Snakefile imports; a dry run of `quickstart` and one
cluster-style job process, each against Snakemake's own start-up on a one-rule file; a training that starts cold, from
the start of its process to its first step; the warm worker against cold starts on the same jobs, whose outputs must
have the same bits.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from history import Row, options, publish
from machine import ROOT
from turns import in_turn

IMPORTS = "import reunlearn.worker, reunlearn.commands.running, reunlearn.study.asked, reunlearn.study.plan"
CLIENT = [sys.executable, "-S", "-E", "src/reunlearn/client.py"]
ONE_RULE = 'rule all:\n    output: "done"\n    shell: "touch {output}"\n'
# a job's process that ends where its training's first step begins
UP_TO_FIRST_STEP = """
import os
from reunlearn.training.engines.engine import Engine
Engine.step = lambda *arguments: os._exit(0)
from reunlearn.cli import main
main()
"""
TURNS, JOBS = 5, 8


def timed(command: list[str], folder: Path, **more: str) -> float:
    """Return the seconds of a command."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), **more}
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def copy_project(folder: Path) -> Path:
    """Return a copy of the sources, so that a benchmark never touches the user's runs."""
    for name in ("src", "workflow", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "environment.yml", "data.dvc"):
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    return folder


def start_up(project: Path, empty: Path, training: str, turns: int) -> list[Row]:
    """Return the cost of imports, of the DAG, of a cluster-style job and of a cold start.

    Args:
        project: a copy, with the specifications of `quickstart`, as a submit host writes them for a cluster.
        empty: a folder with a one-rule file.
        training: the folder of a training, whose data set is prepared.
        turns: how often each is measured.
    """
    snakemake = [sys.executable, "-m", "snakemake"]
    profile = ["--workflow-profile", "workflow/profiles/default", "--cores", "2"]
    config = ["--config", "study=quickstart", "device=cpu"]
    target = ["runs/digits/prepared/manifest.json"]
    commands = {
        "python": ([sys.executable, "-c", "pass"], project),
        "imports": ([sys.executable, "-c", IMPORTS], project),
        "one rule": ([*snakemake, "--cores", "1", "--dry-run"], empty),
        "quickstart": ([*snakemake, *profile, "--dry-run", *config], project),
        "one job": ([*snakemake, *profile, "--dry-run", "--mode", "subprocess", *target, *config], project),
        "cold": (
            [sys.executable, "-c", UP_TO_FIRST_STEP, "original", f"{training}/specification.json"],
            project,
        ),
    }
    found = in_turn({name: partial(timed, *command) for name, command in commands.items()}, turns)

    def above(name: str, base: str, figure: str, most: float) -> Row:
        seconds = found.median(name) - found.median(base)
        details = {f"{base} s": found.median(base)}
        return Row(figure, seconds, "s", wanted=most, at_most=True, details=details)

    return [
        above("imports", "python", "imports of the Snakefile", 0.3),
        above("quickstart", "one rule", "DAG of quickstart above Snakemake's own", 1.5),
        above("one job", "one rule", "a job's process above Snakemake's own", 0.3),
        Row(
            "a cold training, from the start of its process to its first step",
            found.median("cold"),
            "s",
            wanted=3,
            at_most=True,
            details={
                "with the two Snakemakes of a Slurm job s": found.median("cold") + 2 * found.median("one job")
            },
        ),
    ]


def worker_against_cold(project: Path, folders: Sequence[str]) -> Row:
    """Return how many times as fast the same jobs are through the worker as through cold starts.

    Args:
        project: a copy, with the specifications of `quickstart`.
        folders: of splits.
    """
    from reunlearn import worker

    jobs = len(folders)
    commands = [[*CLIENT, "split", f"{folder}/specification.json", "log"] for folder in folders]

    def round_of_jobs() -> tuple[float, str]:
        begin = time.perf_counter()
        for command in commands:
            timed(command, project)
        digest = hashlib.sha256()
        for folder in folders:
            digest.update(Path(folder, "manifest.json").read_bytes())
        return time.perf_counter() - begin, digest.hexdigest()

    cold, cold_bits = round_of_jobs()
    begin = time.perf_counter()
    worker.start()
    start = time.perf_counter() - begin
    warm, warm_bits = round_of_jobs()
    if cold_bits != warm_bits:
        raise SystemExit("the worker's jobs have other bits")
    details = {"cold s a job": cold / jobs, "warm s a job": warm / jobs, "start of the worker s": start}
    return Row("short jobs through the worker against cold starts", cold / warm, details=details)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    turns, jobs = (1, 2) if asked.quick else (TURNS, JOBS)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        empty, project = Path(place, "empty"), Path(place, "project")
        empty.mkdir()
        (empty / "Snakefile").write_text(ONE_RULE)
        project.mkdir()
        copy_project(project)
        sys.path.insert(0, str(project / "src"))
        os.chdir(project)
        try:
            from reunlearn.study.plan import make_plan, write_specifications

            plan = make_plan("quickstart")
            write_specifications(plan.jobs.values())
            (prepare, *_), (training, *_) = plan.of_stage("prepare"), plan.of_stage("original")
            timed([*CLIENT, "prepare", f"{prepare.folder}/specification.json", "log"], project)
            splits = [job.folder for job in plan.of_stage("split")][:jobs]
            rows = start_up(project, empty, training.folder, turns)
            rows.append(worker_against_cold(project, splits))
        finally:
            os.chdir(before)
    publish("startup", rows, asked.quick)


if __name__ == "__main__":
    main()
