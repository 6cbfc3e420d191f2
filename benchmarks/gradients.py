"""CPU milliseconds per sample: gradients of single samples in whole batches against one backward pass each.

One thread. Three quantities, each by our batched form and by the loop that released code runs, on the same network,
weights and samples; both sides take turns in one run, a ratio is the median over the turns.

    diagonal Fisher over all labels     layers' formulas          |  a backward pass per sample and label
    WoodFisher recursion                two directions by jvp     |  a gradient per sample, vector updates
    kernel of the output Jacobian       panels                    |  a Jacobian row per sample and output, one product

A large network's passes, and a large kernel's product, are bound by arithmetic on one core, which no batching spares:
there the ratios fall towards 1. The kernel is of at most 32 samples.

    python benchmarks/gradients.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.gradients.kernel import Panels, kernel
from reunlearn.gradients.label_fisher import label_fisher
from reunlearn.gradients.wood_fisher import wood_fisher
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

CLASSES, FEW = 10, 32
NETWORKS = {
    "small_cnn, 8×8": (ArchitectureSpec(name="small_cnn", settings={}), (1, 8, 8), 128),
    "resnet18 width 8, 32×32": (ArchitectureSpec(name="resnet18", settings={"width": 8}), (3, 32, 32), 16),
    "resnet18 width 16, 32×32": (ArchitectureSpec(name="resnet18", settings={"width": 16}), (3, 32, 32), 8),
}
Sides = dict[str, Callable[[], object]]


def outputs(model: nn.Module, batch: Batch) -> Tensor:
    """Return the logits."""
    return model(batch.x)


def losses(model: nn.Module, batch: Batch) -> Tensor:
    """Return each sample's cross-entropy."""
    return functional.cross_entropy(model(batch.x), batch.y, reduction="none")


def loop_fisher(model: nn.Module, batch: Batch) -> list[Tensor]:
    """Return the diagonal Fisher information, one sample and one label at a time."""
    parameters = list(model.parameters())
    total = [torch.zeros_like(p) for p in parameters]
    for x in batch.x:
        log_p_K = model(x[None]).log_softmax(1)[0]
        for log_p in log_p_K:
            found = torch.autograd.grad(-log_p, parameters, retain_graph=True)
            for accumulated, g in zip(total, found, strict=True):
                accumulated += log_p.detach().exp() * g**2 / len(batch)
    return total


def loop_recursion(model: nn.Module, batch: Batch, v_P: Tensor) -> Tensor:
    """Return k of WoodFisher's recursion, one sample at a time."""
    k, o = v_P.clone(), torch.empty(0)
    for row in range(len(batch)):
        alone = Batch(batch.x[row : row + 1], batch.y[row : row + 1], batch.index[row : row + 1])
        found = torch.autograd.grad(losses(model, alone)[0], list(model.parameters()))
        g = torch.cat([part.flatten() for part in found])
        if row == 0:
            o = g.clone()
            continue
        t = torch.dot(o, g)
        k -= torch.dot(k, g) / (1000 + t) * o
        o -= t / (1000 + t) * o
    return k


def loop_kernel(model: nn.Module, batch: Batch) -> Tensor:
    """Return the kernel from rows of the Jacobian, one sample and one output at a time."""
    rows = []
    for x in batch.x:
        for z in model(x[None])[0]:
            found = torch.autograd.grad(z, list(model.parameters()), retain_graph=True)
            rows.append(torch.cat([part.flatten() for part in found]).double())
    jacobian_RP = torch.stack(rows)
    return jacobian_RP @ jacobian_RP.T


def work(model: nn.Module, batch: Batch) -> dict[str, Sides]:
    """Return both sides of each quantity."""
    count, few = len(batch), min(len(batch), FEW)
    v_P = torch.randn(sum(p.numel() for p in model.parameters()))
    panels = Panels(few, 8)

    def take(places: Tensor) -> Batch:
        return Batch(batch.x[places], batch.y[places], batch.index[places])

    return {
        "Fisher, all labels": {
            "ours": lambda: label_fisher(model, outputs, [take(p) for p in torch.arange(count).split(32)]),
            "loop": lambda: loop_fisher(model, batch),
        },
        "WoodFisher recursion": {
            "ours": lambda: wood_fisher(model, losses, [batch], v_P, 1000),
            "loop": lambda: loop_recursion(model, batch, v_P),
        },
        "kernel": {
            "ours": lambda: kernel(model, outputs, take, samples=few, classes=CLASSES, panels=panels),
            "loop": lambda: loop_kernel(model, take(torch.arange(few))),
        },
    }


def difference(ours: object, loop: object) -> float:
    """Return the largest difference of the two sides' results, by the largest entry."""
    pairs = (
        zip(ours, loop, strict=True) if isinstance(ours, list) and isinstance(loop, list) else [(ours, loop)]
    )
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def measure(sides: Sides, turns: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each side in every turn; the first turn warms up and is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name, once in sides.items():
            begin = time.process_time()
            once()
            if turn:
                spent[name].append(time.process_time() - begin)
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Gradients of single samples, batched against one by one")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"CPU ms per sample, 1 thread, float32, {CLASSES} classes, median of {options.turns} turns")
    for label, (architecture, shape, count) in NETWORKS.items():
        model = build(architecture, shape, CLASSES, seed=0).eval()
        batch = Batch(torch.randn(count, *shape), torch.arange(count) % CLASSES, torch.arange(count))
        print(f"\n{label}: {sum(p.numel() for p in model.parameters()):,} weights, {count} samples")
        print(f"  {'':22}  batched  one by one      ratio  difference")
        for quantity, sides in work(model, batch).items():
            apart = difference(sides["ours"](), sides["loop"]())
            spent = measure(sides, options.turns)
            used = min(count, FEW) if quantity == "kernel" else count
            ours, loop = (1000 * statistics.median(spent[side]) / used for side in ("ours", "loop"))
            ratio = statistics.median(b / a for a, b in zip(spent["ours"], spent["loop"], strict=True))
            print(f"  {quantity:22} {ours:8.2f} {loop:11.2f}  × {ratio:7.1f}    {apart:.0e}")


if __name__ == "__main__":
    main()
