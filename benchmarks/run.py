"""Run all benchmarks, one after the other, then draw what the history holds: `make bench`, `make bench QUICK=1`.

A benchmark is a script of its own. Those that are named are run alone: `python benchmarks/run.py training chip`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from history import FILE
from plot import PICTURE, TABLE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Benchmark:
    """A script, what it measures, and its words for the quick form; None: it is left out of that."""

    script: str
    measures: str
    quick: tuple[str, ...] | None = ("--quick",)


BENCHMARKS = (
    Benchmark("training", "(a) training against a typical peer's loop"),
    Benchmark("evaluation", "(a) evaluating 10,000 images against a plain loop"),
    Benchmark("augmentation", "(a) augmentation of whole batches against image by image"),
    Benchmark("overhead", "(a) what schedule and seeds cost an epoch"),
    Benchmark("chip", "(b) share of the chip's rate of matrix products"),
    Benchmark("stacks", "(c) networks side by side against one by one"),
    Benchmark("shadows", "(c) a pool of shadow models against separate jobs"),
    Benchmark("methods", "(d) methods against their passes"),
    Benchmark("generator_steps", "(d) methods on a generator against their passes"),
    Benchmark("startup", "(e) start-up, planning, the warm worker"),
    Benchmark("orchestration", "(e) where the core-seconds of a study go", None),
    Benchmark("dag", "(e) large studies before and after their jobs"),
    Benchmark("attacks", "(f) attacks"),
    Benchmark("report", "(g) gathering and reporting a large study"),
    Benchmark("sampling", "(h) samples of a generator"),
    Benchmark("growth", "(i) growth with images, width, classes, seeds"),
)


def run(benchmark: Benchmark, quick: bool) -> bool:
    """Run one; tell whether it ended well. One that is not there, or has no quick form, is passed over."""
    file = HERE / f"{benchmark.script}.py"
    if not file.exists() or (quick and benchmark.quick is None):
        return True
    print(f"\n== {benchmark.measures}: {file.relative_to(ROOT)}", flush=True)
    begin = time.perf_counter()
    words = benchmark.quick if quick and benchmark.quick else ()
    done = subprocess.run([sys.executable, str(file), *words], check=False)
    print(f"   {time.perf_counter() - begin:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    """Run them; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="All benchmarks, one after the other")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is noted")
    parser.add_argument("names", nargs="*", help="some of them")
    asked = parser.parse_args()
    known = [benchmark.script for benchmark in BENCHMARKS]
    for name in asked.names:
        if name not in known:
            parser.error(f"no benchmark '{name}'; there are {', '.join(known)}")
    chosen = [b for b in BENCHMARKS if not asked.names or b.script in asked.names]
    failed = [benchmark.script for benchmark in chosen if not run(benchmark, asked.quick)]
    if asked.quick:
        print("\nThe quick form's sizes are too small to be compared: nothing was noted.")
    elif FILE.exists():
        subprocess.run([sys.executable, str(HERE / "plot.py")], check=True)
        print(
            f"\nJSON: {FILE.relative_to(ROOT)}\nplot: {PICTURE.relative_to(ROOT)}\ntable: {TABLE.relative_to(ROOT)}"
        )
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
