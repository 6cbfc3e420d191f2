"""What a pool of shadow models saves: `python benchmarks/shadows.py [--quick]`.

64 models of the quickstart's network through the pool (blocks of ten, two jobs at a time, one thread each, started as
Snakemake starts them) against 64 jobs of one model each, one after another, and against one warm process that trains
them one after another. Pool and separate jobs are started in both ways that there are: each a Python of its own, as on
a cluster, and through the warm worker, as on one machine. Of the separate jobs some are measured, before and after the
pool, and their median stands for the others.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from history import Row, options, publish
from startup import copy_project

from reunlearn.study import paths
from reunlearn.study.jobs import ShadowJob, stage_name
from reunlearn.study.plan import make_plan, write_specifications

MODELS, CORES = 64, 2  # models, jobs at a time
MEASURED = 3  # separate jobs measured before the pool, and again after
QUICK = {"MODELS": 4, "MEASURED": 1}
STUDY: dict[str, Any] = {
    "name": "shadows",
    "title": "shadows",
    "experiments": [
        {
            "name": "shadows",
            "dataset": {"name": "digits", "train": 150, "validation": 300},
            "architecture": {"name": "small_cnn"},
            "recipe": "digits-small",
            "scenario": {"kind": "random", "fraction": 0.2},
            "seeds": [0],
            "methods": ["finetune"],
            "attacks": ["shadow_xgboost"],
        }
    ],
}


def run_job(specification: str) -> float:
    """Run one job as Snakemake would; return its seconds."""
    command = [sys.executable, "-S", "-E", "src/reunlearn/client.py"]
    begin = time.perf_counter()
    stage = stage_name(Path(specification))
    subprocess.run([*command, stage, specification, f"{specification}.log"], check=True, capture_output=True)
    return time.perf_counter() - begin


def through_the_pool(specifications: list[str]) -> float:
    """Return the seconds of all blocks, two at a time."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(run_job, specifications))
    return time.perf_counter() - begin


def alone(block: ShadowJob, number: int) -> str:
    """Write the specification of a job that trains one model; return its path."""
    folder, seed = f"{Path(block.folder).parent}/{number}-{number}", block.first_seed + number
    write_specifications([dataclasses.replace(block, folder=folder, first=number, count=1, first_seed=seed)])
    return f"{folder}/{paths.SPECIFICATION}"


def one_warm_process(block: ShadowJob) -> float:
    """Return the seconds in which this process trains all models, one after another; imports and a first one apart."""
    import torch

    from reunlearn.stages.loading import Loader
    from reunlearn.training.loop import train

    torch.set_num_threads(1)
    loader, begin = Loader(block.training, "cpu"), 0.0
    samples, objective = loader.training_samples(), loader.objective()
    for number in range(MODELS + 1):
        train(loader.fresh_model(number), samples, objective, loader.recipe, number)
        if number == 0:
            begin = time.perf_counter()
    return time.perf_counter() - begin


def both_ways(block: ShadowJob, blocks: list[str], first: int) -> tuple[float, float]:
    """Return the median seconds of one job of one model, measured before and after the pool, and the pool's."""
    numbers = iter(range(first, first + 2 * MEASURED))
    separate = [run_job(alone(block, next(numbers))) for _ in range(MEASURED)]
    together = through_the_pool(blocks)
    separate += [run_job(alone(block, number)) for number in numbers]
    return statistics.median(separate), together


def measured() -> list[Row]:
    """Return the figures of the pool, in a copy of the project that is the current folder."""
    from reunlearn import worker

    STUDY["experiments"][0]["shadows"] = {"with_forget": MODELS, "without_forget": 2}
    Path("config/studies/shadows.yaml").write_text(yaml.safe_dump(STUDY))
    os.environ["REUNLEARN_DEVICE"] = "cpu"
    plan = make_plan("shadows")
    write_specifications(plan.jobs.values())
    run_job(f"{plan.of_stage('prepare')[0].folder}/{paths.SPECIFICATION}")
    shadows = (job for job in plan.jobs.values() if isinstance(job, ShadowJob))
    pool = [job for job in shadows if job.kind == "with_forget"]
    block, blocks = pool[0], [f"{job.folder}/{paths.SPECIFICATION}" for job in pool]
    run_job(alone(block, 1000))  # file caches are warm from here on
    cold, cold_pool = both_ways(block, blocks, 1001)
    begin = time.perf_counter()
    worker.start()
    start = time.perf_counter() - begin
    warm, warm_pool = both_ways(block, blocks, 2001)
    os.environ.pop(worker.SOCKET, None)
    process = one_warm_process(block)
    sizes = {"models": MODELS, "jobs of the pool": len(blocks), "jobs at a time": CORES}
    rows = [
        Row(
            "the pool as Snakemake runs it against separate cold jobs",
            MODELS * cold / (warm_pool + start),
            wanted=3.0,
            details={**sizes, "a job s": cold, "pool s": warm_pool, "start of the worker s": start},
        ),
        Row(
            "the pool against one warm process",
            process / warm_pool,
            wanted=1.4,
            details={"process s": process, "with the worker's start ×": process / (warm_pool + start)},
        ),
    ]
    for name, each, once, together in (("cold", cold, 0.0, cold_pool), ("warm", warm, start, warm_pool)):
        details = {"a job s": each, "pool s": together, "start s": once}
        ratio = (once + MODELS * each) / (once + together)
        rows.append(Row(f"the pool's jobs against separate ones, {name} starts", ratio, details=details))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    if asked.quick:
        globals().update(QUICK)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        project = copy_project(Path(place))
        os.chdir(project)
        os.environ["PYTHONPATH"] = str(project / "src")
        try:
            rows = measured()
        finally:
            os.chdir(before)
    publish("shadows", rows, asked.quick)


if __name__ == "__main__":
    main()
