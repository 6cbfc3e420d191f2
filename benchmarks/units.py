"""What plain training takes on each network of the studies: `python benchmarks/units.py [FILE]`.

Every network, with its settings and the size of its inputs, that a study of config/studies trains is built and trained
for some steps on random inputs, on one thread (or on the GPU, with `DEVICE=cuda`), in two sizes of batches, which tells
a step's cost from a sample's.

Texts are as long as the longest of a batch is on average, if the dataset is prepared in the project that `PROJECT`
names, and of full length otherwise. On a CPU the seconds are of this process alone; other processes still slow it down.
Prints the units as JSON, which `benchmarks/calibrate.py` reads.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reunlearn.artifacts.record import processor
from reunlearn.data.batches import Batch
from reunlearn.models.registry import make as make_network
from reunlearn.objectives.registry import make as make_objective
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.cost import Network, network_of
from reunlearn.study.load import names
from reunlearn.study.plan import make_plan
from reunlearn.study.specs import TrainingSpec

DEVICE = os.environ.get("DEVICE", "cpu")
PROJECT = Path(os.environ.get("PROJECT", "."))
ONLY = os.environ.get("ONLY")  # name of a network
SMALL, LARGE = 4, 32  # samples of a batch
LONGEST = 6.0  # seconds of one repetition: larger networks are measured with smaller batches
REPETITIONS = 3


def trainings() -> dict[Network, TrainingSpec]:
    """Return a training of each network in the studies, those with most jobs first."""
    cards, counts = catalogue(), dict[Network, int]()
    found: dict[Network, TrainingSpec] = {}
    jobs = {f: job for study in names("studies") for f, job in make_plan(study).jobs.items()}
    for job in jobs.values():
        training = getattr(job, "training", None)
        if training is None:
            continue
        network = network_of(training, cards)
        found.setdefault(network, training)
        counts[network] = counts.get(network, 0) + 1
    return {network: found[network] for network in sorted(found, key=lambda n: -counts[n])}


def text_length(training: TrainingSpec, longest: int) -> int:
    """Return the tokens of a text with what fills it up: the longest of a batch, the mean over batches."""
    file = PROJECT / paths.data(training.dataset) / "train_x.npy"
    if not file.exists():
        return longest
    lengths = (np.load(file, allow_pickle=False) != 0).sum(axis=1)
    size = training.recipe.batch_size
    order = np.argsort(lengths) if training.recipe.group_by_length else np.arange(len(lengths))
    batches = lengths[order][: len(lengths) // size * size].reshape(-1, size)
    return round(float(batches.max(axis=1).mean()))


def seconds(step: Callable[[], Any]) -> float:
    """Return the least time of a step over some repetitions, after one that warms up."""
    step()
    clock = time.perf_counter if DEVICE == "cuda" else time.process_time
    taken = []
    for _ in range(REPETITIONS):
        begin = clock()
        step()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        taken.append(clock() - begin)
    return min(taken)


def measure(network: Network, training: TrainingSpec) -> dict[str, Any]:
    """Return the unit of a network."""
    card = catalogue().datasets[training.dataset.name]
    shape = card.shape if card.modality == "text" else (card.shape[0], network.side, network.side)
    settings = {k: v for k, v in training.architecture.settings.items() if k != "pretrained"}
    model = make_network(training.architecture.name, settings, shape, card.classes).to(DEVICE)
    objective = make_objective(training.objective.name, card.classes, **training.objective.settings)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)
    generator = torch.Generator(DEVICE).manual_seed(0)
    length = text_length(training, card.shape[0]) if card.modality == "text" else 0

    def batch(size: int) -> Batch:
        if card.modality == "text":
            x = torch.randint(1, card.shape[1], (size, length), device=DEVICE)
        else:
            x = torch.randn(size, *shape, device=DEVICE).contiguous(memory_format=torch.channels_last)
        y = torch.randint(0, card.classes, (size,), device=DEVICE)
        return Batch(x, y, torch.arange(size, device=DEVICE))

    def train(size: int) -> float:
        samples = batch(size)

        def step() -> None:
            optimizer.zero_grad()
            objective.loss(model, samples, objective.draw(samples, generator)).backward()
            optimizer.step()

        model.train()
        return seconds(step)

    def forward(size: int) -> float:
        samples = batch(size)
        model.eval()
        with torch.no_grad():
            return seconds(lambda: objective.loss(model, samples, objective.draw(samples, generator)))

    small = train(SMALL)
    large_size = LARGE if small * LARGE / SMALL < LONGEST else 2 * SMALL
    large = train(large_size)
    sample = max((large - small) / (large_size - SMALL), 0.0)
    how = (
        processor() if DEVICE == "cpu" else torch.cuda.get_device_name(),
        f"torch {torch.__version__}",
        f"batches of {SMALL} and {large_size}",
        f"least of {REPETITIONS}",
        f"texts of {length} tokens" if length else None,
        f"load {os.getloadavg()[0]:.1f}",
        datetime.now(UTC).date().isoformat(),
    )
    return {
        "network": network.name,
        "settings": dict(network.settings),
        "side": network.side,
        "device": DEVICE,
        "step_ms": round(1000 * max(small - SMALL * sample, 0.0), 4),
        "sample_ms": round(1000 * sample, 4),
        "forward_ms": round(1000 * forward(large_size) / large_size, 4),
        "parameters": sum(p.numel() for p in model.parameters()),
        "measured": ", ".join(filter(None, how)),
    }


def main() -> None:
    """Measure every network; write after each, so that an interruption loses one only."""
    torch.set_num_threads(1)
    units = []
    for network, training in trainings().items():
        if ONLY and network.name != ONLY:
            continue
        units.append(measure(network, training))
        print(json.dumps(units[-1]), file=sys.stderr, flush=True)
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(json.dumps(units, indent=1) + "\n", encoding="utf-8")
    if len(sys.argv) == 1:
        print(json.dumps(units, indent=1))


if __name__ == "__main__":
    main()
