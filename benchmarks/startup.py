"""What the workflow costs beside the work: `python benchmarks/startup.py`.

Four measurements, each a median, in one run: importing what the Snakefile imports; a dry run of `quickstart` and one
cluster-style job process, each against Snakemake's own start-up on a one-rule file; the warm worker against cold starts
on the same jobs, whose outputs must have the same bits.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMPORTS = "import reunlearn.worker, reunlearn.commands.running, reunlearn.study.asked, reunlearn.study.plan"
SPECIFY = "from reunlearn.study.plan import *; write_specifications(make_plan('quickstart').jobs.values())"
ONE_RULE = 'rule all:\n    output: "done"\n    shell: "touch {output}"\n'
REPETITIONS = 5
JOBS = 8


def timed(command: list[str], folder: Path, **more: str) -> float:
    """Return the seconds of a command."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), **more}
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def medians(commands: dict[str, tuple[list[str], Path]]) -> dict[str, float]:
    """Return the median seconds of each command, measured in turns after one warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for repetition in range(REPETITIONS + 1):
        for name, (command, folder) in commands.items():
            value = timed(command, folder)
            if repetition:
                seconds[name].append(value)
    return {name: statistics.median(values) for name, values in seconds.items()}


def copy_project(folder: Path) -> Path:
    """Return a copy of the sources, so that a benchmark never touches the user's runs."""
    for name in ("src", "workflow", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "environment.yml", "data.dvc"):
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    return folder


def start_up(project: Path, empty: Path) -> None:
    """Print the cost of imports, of the DAG and of a cluster-style job."""
    timed([sys.executable, "-c", SPECIFY], project)  # as the submit host does before a cluster's jobs
    snakemake = [sys.executable, "-m", "snakemake"]
    profile = ["--workflow-profile", "workflow/profiles/default", "--cores", "2"]
    config = ["--config", "study=quickstart", "device=cpu"]
    target = ["runs/digits/prepared/manifest.json"]
    found = medians(
        {
            "python": ([sys.executable, "-c", "pass"], project),
            "imports": ([sys.executable, "-c", IMPORTS], project),
            "one rule": ([*snakemake, "--cores", "1", "--dry-run"], empty),
            "quickstart": ([*snakemake, *profile, "--dry-run", *config], project),
            "one job": (
                [*snakemake, *profile, "--dry-run", "--mode", "subprocess", *target, *config],
                project,
            ),
        }
    )
    print(f"imports of the Snakefile        {found['imports'] - found['python']:6.2f} s   (at most 0.3)")
    print(f"Snakemake on a one-rule file    {found['one rule']:6.2f} s")
    print(f"DAG of quickstart above that    {found['quickstart'] - found['one rule']:6.2f} s   (at most 1.5)")
    print(f"one job process above that      {found['one job'] - found['one rule']:6.2f} s   (at most 0.3)")


def worker_against_cold(project: Path) -> None:
    """Print the time of the same jobs through cold starts and through the worker."""
    sys.path.insert(0, str(project / "src"))
    os.chdir(project)
    from reunlearn import worker
    from reunlearn.study.plan import make_plan

    plan = make_plan("quickstart")
    prepare = plan.of_stage("prepare")[0].folder
    client = [sys.executable, "-S", "-E", "src/reunlearn/client.py"]
    timed([*client, "prepare", f"{prepare}/specification.json", "log"], project)
    folders = [job.folder for job in plan.of_stage("split")][:JOBS]
    commands = [[*client, "split", f"{folder}/specification.json", "log"] for folder in folders]

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
    count = len(commands)
    same = "the same bits" if cold_bits == warm_bits else "OTHER BITS"
    print(f"{count} short jobs: cold {cold:.2f} s, warm {warm:.2f} s + {start:.2f} s once; {same}")
    print(f"per job: cold {cold / count:.3f} s, warm {warm / count:.3f} s: {cold / warm:.1f} times as fast")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty")
        empty.mkdir()
        (empty / "Snakefile").write_text(ONE_RULE)
        project = Path(folder, "project")
        project.mkdir()
        copy_project(project)
        start_up(project, empty)
        worker_against_cold(project)
