"""How time and memory grow with images, width, classes and seeds: the exponent p of size^p, fitted to some sizes.

Each size is measured in a process of its own, one thread: CPU seconds of the work, the least of some repetitions, and
the most memory that the process held above what it held before the work.

    images    an epoch of small CNN on images of CIFAR-10's size
    width     a training step of ResNet-18, 32 images
    classes   evaluation's numbers and tables of 2,000 outputs per set
    seeds     the plan of a study with so many seeds

    python benchmarks/growth.py [--quick]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from history import Row, options, publish
from machine import ROOT

from reunlearn.artifacts.stopwatch import PeakMemory

SIZES = {
    "images": (2_000, 4_000, 8_000, 16_000),
    "width": (16, 32, 64, 128),
    "classes": (10, 100, 1_000),
    "seeds": (4, 16, 64),
}
QUICK = {"images": (200, 400), "width": (4, 8), "classes": (10, 20), "seeds": (1, 2)}
REPETITIONS = 2
SOURCE = "methods-on-digits"  # whose experiment `random` is planned
Work = Callable[[], object]


def images(size: int) -> Work:
    """Return an epoch on so many images."""
    import pictures

    from reunlearn.models.registry import build
    from reunlearn.objectives.classification import Classification
    from reunlearn.study.specs import ArchitectureSpec
    from reunlearn.training.loop import train
    from training import recipe

    model = build(ArchitectureSpec(name="small_cnn"), pictures.CARD.shape, pictures.CLASSES, 0)
    x_NCHW, y_N = pictures.drawn(size)
    return lambda: train(model, pictures.samples(x_NCHW, y_N), Classification(10), recipe(1), 0)


def width(size: int) -> Work:
    """Return a training step of a network of this width."""
    from chip import stepping

    from reunlearn.study.specs import ArchitectureSpec

    return stepping(ArchitectureSpec(name="resnet18", settings={"width": size}), "full", 32)


def classes(size: int) -> Work:
    """Return the evaluation of outputs over so many classes."""
    from reunlearn.measures import evaluation
    from reunlearn.metrics.classification import accuracy, cross_entropy, entropy
    from reunlearn.metrics.outputs import Outputs

    random = np.random.default_rng(0)
    sets = ("forget", "retain", "test")
    labels = {name: random.integers(size, size=2_000) for name in sets}
    logits = {name: random.normal(size=(2_000, size)).astype(np.float16) for name in sets}
    outputs = Outputs(logits, labels, {name: np.arange(2_000) for name in sets})

    def once() -> None:
        values = {
            "loss": {name: cross_entropy(logits[name], labels[name]) for name in sets},
            "entropy": {name: entropy(logits[name]) for name in sets},
        }
        for name in sets:
            accuracy(logits[name], labels[name])
        evaluation.told_apart(values)
        evaluation.table_of_samples(outputs, values)
        evaluation.table_of_classes(outputs, {})

    return once


def seeds(size: int) -> Work:
    """Return the plan of a study with so many seeds; it is written to the current folder's configuration."""
    import yaml

    from reunlearn.study.plan import make_plan

    content = yaml.safe_load(Path("config/studies", f"{SOURCE}.yaml").read_text(encoding="utf-8"))
    study = {"name": "grown", "title": "A benchmark"}
    study["experiments"] = [content["experiments"][0] | {"seeds": list(range(size))}]
    Path("config/studies/grown.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return lambda: make_plan("grown")


WORKS = {work.__name__: work for work in (images, width, classes, seeds)}


def here(name: str, size: int) -> tuple[float, float]:
    """Return CPU seconds and MiB of one size, measured in this process."""
    work, spent = WORKS[name](size), []
    memory = PeakMemory()
    before = memory.mib()
    for _ in range(REPETITIONS):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent), (memory.mib() or 0.0) - (before or 0.0)


def apart(name: str, size: int, folder: Path) -> tuple[float, float]:
    """Return the same, measured in a process of its own in a folder with the project's configuration."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", name, str(size)]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    seconds, mib = json.loads(done.stdout.splitlines()[-1])
    return seconds, mib


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of log(value) over log(size), by least squares."""
    positive = np.maximum(values, 1e-6)
    return float(np.polyfit(np.log(sizes), np.log(positive), 1)[0])


def rows_of(name: str, sizes: Sequence[int], folder: Path) -> list[Row]:
    """Return the exponents of time and memory with one kind of size."""
    measured = [apart(name, size, folder) for size in sizes]
    rows = []
    for quantity, unit, values in zip(
        ("time", "memory"), ("s", "MiB"), zip(*measured, strict=True), strict=True
    ):
        details = {f"{unit} at {size}": value for size, value in zip(sizes, values, strict=True)}
        rows.append(Row(f"{quantity} with {name}", exponent(sizes, values), "exponent", details=details))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--one", nargs=2, help="a kind of size and a size, in this process")
    asked = parser.parse_args(arguments)
    if asked.one:
        import torch

        torch.set_num_threads(1)
        print(json.dumps(here(asked.one[0], int(asked.one[1]))))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(ROOT / "config", folder / "config")
        rows = [
            row
            for name, sizes in (QUICK if asked.quick else SIZES).items()
            for row in rows_of(name, sizes, folder)
        ]
    publish("growth", rows, asked.quick)


if __name__ == "__main__":
    main()
