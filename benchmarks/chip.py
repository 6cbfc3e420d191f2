"""How much of the chip's measured rate of matrix products a training step uses, in full precision and in bfloat16.

The rate is that of torch.matmul on square matrices, the best of some sizes. The operations of a step, forward and
backward, are counted by torch.utils.flop_counter: convolutions and linear layers, two operations for each product that
is added. Rate and steps take turns; with
`--threads 1` by CPU seconds.

    python benchmarks/chip.py [--quick]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from history import Row, options, publish
from machine import cores
from pictures import CARD, CLASSES, drawn, samples
from torch.utils.flop_counter import FlopCounterMode
from turns import Side, clock_of, in_turn, timed

from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.allocator import keep_large_blocks
from reunlearn.training.engines.eager import Eager
from reunlearn.training.precision import in_use
from training import BATCH, NETWORKS, recipe

TYPES = {"full": torch.float32, "mixed": torch.bfloat16}
NAMES = {"full": "full precision", "mixed": "bfloat16"}
TURNS = 3


def product(precision: str, size: int) -> Callable[[], object]:
    """Return what multiplies two square matrices."""
    a, b = (torch.randn(size, size).to(TYPES[precision]) for _ in range(2))
    return lambda: torch.matmul(a, b)


def stepping(architecture: ArchitectureSpec, precision: str, batch: int) -> Callable[[], object]:
    """Return what takes a training step of a network."""
    model = build(architecture, CARD.shape, CLASSES, 0)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    content = samples(*drawn(batch))
    whole = content.take(slice(0, batch))
    engine = Eager([model], [content], Classification(CLASSES), recipe(1, precision))
    return lambda: engine.step([whole], [whole.y])


def operations_of(once: Callable[[], object]) -> int:
    """Return how many operations something takes."""
    with FlopCounterMode(display=False) as counter:
        once()
    return counter.get_total_flops()


def best_rate(
    precision: str, sizes: Sequence[int], turns: int, clock: Callable[[], float]
) -> tuple[float, int]:
    """Return the operations per second of the best size, and that size."""
    found = in_turn({str(size): timed(product(precision, size), clock) for size in sizes}, turns)
    rates = {size: 2 * size**3 / found.median(str(size)) for size in sizes}
    size = max(rates, key=rates.__getitem__)
    return rates[size], size


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads)
    keep_large_blocks()
    clock = clock_of(asked.threads)
    batch, turns = (16, 1) if asked.quick else (BATCH, TURNS)
    sizes = (256,) if asked.quick else (1024, 2048, 4096)
    rows = []
    for precision in dict.fromkeys(("full", in_use("mixed", "cpu"))):
        rate, size = best_rate(precision, sizes, turns, clock)
        details = {"size of matrices": size}
        rows.append(Row(f"matrix products, {NAMES[precision]}", rate / 1e9, "GFLOP/s", details=details))
        for label in asked.networks:
            once = stepping(NETWORKS[label].architecture, precision, batch)
            operations = operations_of(once)
            sides: dict[str, Side] = {
                "step": timed(once, clock),
                "product": timed(product(precision, size), clock),
            }
            found = in_turn(sides, turns)
            # of the product's operations at its rate in the same turns
            share = found.ratio("product", "step") * operations / (2 * size**3)
            details = {
                "images/s": batch / found.median("step"),
                "MFLOP an image": operations / batch / 1e6,
            }
            rows.append(Row(f"{label}, {NAMES[precision]}", 100 * share, "% of the rate", details=details))
    publish("chip", rows, asked.quick)


if __name__ == "__main__":
    main()
