"""What a GPU makes of the training path, section by section: run it by `benchmarks/gpu.sh`.

A section's figures are in OUT/gpu.json as soon as it is complete; one that is there already, or that the time left is
too short for, is left out: started again, the script goes on. `--dry-run` takes tiny sizes and runs on a CPU too;
`benchmarks/gpu_table.py OUT/gpu.json` prints the table. Images are random, of CIFAR-10's size. Rates are of whole
epochs of training/loop.py after a first one: order, augmentation, steps and schedule, but no evaluation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from gpu_checks import check
from gpu_methods import methods
from gpu_pool import one_model, pool, processes
from gpu_setup import (
    CLASSES,
    DEVICE,
    ON_GPU,
    SHAPE,
    TINY,
    Figures,
    Sizes,
    epochs,
    images,
    network,
    now,
    recipe,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.batch_sizes import EVALUATION, batch_size
from reunlearn.training.device import set_determinism
from reunlearn.training.engines.choose import choose


def machine(sizes: Sizes) -> Figures:
    """Return what this is."""
    return {
        "device": torch.cuda.get_device_name() if ON_GPU else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "python": platform.python_version(),
        "tf32 in convolutions of full precision": torch.backends.cudnn.allow_tf32,
        "images": sizes.images,
        "batch": sizes.batch,
    }


def matrix(sizes: Sizes) -> Figures:
    """Return the rate of products of square matrices, in TFLOP/s."""
    rates = {}
    for name, dtype, tf32 in (
        ("bf16", torch.bfloat16, False),
        ("tf32", torch.float32, True),
        ("fp32", torch.float32, False),
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(sizes.matrix, sizes.matrix, device=DEVICE, dtype=dtype) for _ in range(2))
        for _ in range(3):
            a @ b
        begin = now()
        for _ in range(20):
            a @ b
        rates[name] = 20 * 2 * sizes.matrix**3 / (now() - begin) / 1e12
    torch.backends.cuda.matmul.allow_tf32 = False
    return rates


def train(sizes: Sizes) -> Figures:
    """Return the images per second of ResNet-18 by engine, precision and determinism."""
    samples, found = images(sizes.images), Figures()
    found["flop_per_image"] = _flop_per_image(sizes)
    for deterministic in (True, False):
        set_determinism(deterministic)
        for precision, asked in (
            ("full", "eager"),
            ("mixed", "eager"),
            ("full", "graphed"),
            ("mixed", "graphed"),
        ):
            wanted = recipe(sizes, precision=precision, engine=asked)
            model = network("resnet18", width=sizes.resnet)
            choice = choose(model, samples, Classification(CLASSES), wanted)
            name = f"{asked} {precision}{'' if deterministic else ', not deterministic'}"
            found[name] = choice.facts | epochs([model], samples, wanted, choice.engine)
    set_determinism(True)
    return found


def loader(sizes: Sizes) -> Figures:
    """Return the images per second of a plain loop: torchvision's transforms, a DataLoader, fp32, `.item()`."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    from reunlearn.data.torchvision_compat import transforms

    x_NHWC = np.random.default_rng(0).integers(0, 256, (sizes.images, 32, 32, 3), dtype=np.uint8)
    change = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )

    class PerImage(Dataset):
        def __len__(self) -> int:
            return len(x_NHWC)

        def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
            return change(Image.fromarray(x_NHWC[row])), row % CLASSES

    found = {}
    torch.use_deterministic_algorithms(False)  # as most loops are
    for workers in sizes.loader_workers:
        model = build(
            ArchitectureSpec(name="resnet18", settings={"width": sizes.resnet}), SHAPE, CLASSES, 0
        ).to(DEVICE)
        optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9, weight_decay=5e-4)
        batches = DataLoader(
            PerImage(), sizes.batch, shuffle=True, num_workers=workers, pin_memory=ON_GPU, drop_last=True
        )
        steps, begin, total = 0, now(), 0.0
        for x, y in batches:
            loss = nn.functional.cross_entropy(model(x.to(DEVICE)), y.to(DEVICE))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            steps += 1
            if steps == 2:
                begin = now()
            elif steps > 2 and now() - begin > sizes.loader_seconds:
                break
        found[f"{workers} workers"] = {"images_per_second": (steps - 2) * sizes.batch / (now() - begin)}
    set_determinism(True)
    return found


def evaluate(sizes: Sizes) -> Figures:
    """Return the images per second of a forward pass in evaluation, full precision, and the size of its batches."""
    samples, model = images(sizes.evaluated), network("resnet18", width=sizes.resnet).eval()
    size = batch_size(EVALUATION, samples)
    for turn in range(2):
        begin = now()
        with torch.no_grad():
            for batch in samples.batches(size):
                model(batch.x)
        if turn:
            return {"images_per_second": len(samples) / (now() - begin), "batch": size}
    raise AssertionError


def units(sizes: Sizes) -> Figures:
    """Return what a step and a sample of plain training and of a forward pass take, in ms: the unit of the plan."""
    samples, model = images(4 * sizes.batch), network("resnet18", width=sizes.resnet)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)

    def seconds(size: int, trained: bool) -> float:
        batch, taken = samples.take(slice(0, size)), []
        for _ in range(12):
            begin = now()
            with torch.set_grad_enabled(trained):
                loss = nn.functional.cross_entropy(model(batch.x), batch.y)
            if trained:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            taken.append(now() - begin)
        return sorted(taken)[len(taken) // 2]

    small, large = seconds(8, True), seconds(sizes.batch, True)
    sample = (large - small) / (sizes.batch - 8)
    return {
        "width": sizes.resnet,
        "step_ms": 1000 * max(small - 8 * sample, 0.0),
        "sample_ms": 1000 * sample,
        "forward_ms": 1000 * seconds(sizes.batch, False) / sizes.batch,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def _flop_per_image(sizes: Sizes) -> float:
    """Return the operations of a training step on one image, forward and backward."""
    model = build(ArchitectureSpec(name="resnet18", settings={"width": sizes.resnet}), SHAPE, CLASSES, 0)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(2, *SHAPE)).sum().backward()
    return counter.get_total_flops() / 2


# seconds that each may take on an H200, guessed
SECTIONS: dict[str, tuple[Callable[[Sizes], Figures], float]] = {
    "machine": (machine, 2),
    "matrix": (matrix, 5),
    "train": (train, 110),
    "check": (check, 40),
    "methods": (methods, 60),
    "units": (units, 5),
    "evaluate": (evaluate, 10),
    "loader": (loader, 50),
    "pool": (pool, 60),
    "processes": (processes, 75),
}


def main() -> None:
    """Run what is missing."""
    begin = time.monotonic()
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--one-model", action="store_true")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--only", nargs="*", default=list(SECTIONS), choices=list(SECTIONS))
    asked = parser.parse_args()
    sizes = TINY if asked.dry_run else Sizes()
    set_determinism(True)
    torch.set_num_threads(1)
    if asked.one_model:
        one_model(sizes)
        return
    file = Path(os.environ["OUT"]) / "gpu.json"
    found: Figures = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name in asked.only:
        section, seconds = SECTIONS[name]
        left = 60 * asked.minutes - (time.monotonic() - begin)
        if name in found or (left < seconds and not asked.dry_run):
            print(f"{name}: left out", flush=True)
            continue
        started = time.monotonic()
        try:
            found[name] = section(sizes)
        except Exception as error:  # the other sections are worth having
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            continue
        found[name]["seconds"] = time.monotonic() - started
        partial = file.with_suffix(".new")
        partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        partial.replace(file)
        print(f"{name}: {found[name]['seconds']:.1f} s", flush=True)


if __name__ == "__main__":
    main()
