"""Evaluating 10,000 images against a plain loop over tensors: images per second.

The same weights, full precision. Ours: logits of all images, in half precision, as a job writes them. The peer: images
that were normalised before, in batches of 128 or 250, whichever is faster, and nothing but the right answers counted.
Each side is a process of its own; the sides take turns. With `--threads 1` CPU seconds are compared.

    python benchmarks/evaluation.py [--quick]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

import peer
import torch
from apart import Apart
from history import Row, options, publish
from machine import cores
from pictures import CARD, CLASSES, drawn, samples
from turns import Side, clock_of, in_turn, timed

from reunlearn.measures._logits import logits
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.training.device import prepare_torch
from training import NETWORKS

SIZES = (128, 250)  # the peer's batches
IMAGES = {"ResNet-18 width 64": 1_000, "AllCNN": 2_500}  # of networks that take too long for all
ALL = 10_000
TURNS = 3


def our_side(threads: int) -> Callable[[str, int], float]:
    """Return what evaluates a network of a name on so many images, and tells the seconds."""
    os.environ["REUNLEARN_DEVICE"] = "cpu"
    prepare_torch(threads)

    def evaluated(label: str, images: int) -> float:
        model = build(NETWORKS[label].architecture, CARD.shape, CLASSES, 0)
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        content = samples(*drawn(images))
        return timed(lambda: logits(model, content, Classification(CLASSES)), clock_of(threads))()

    return evaluated


def peers_side(threads: int) -> Callable[[str, int, int], float]:
    """Return the same of the peer, in batches of a size."""
    torch.set_num_threads(threads)

    def evaluated(label: str, images: int, size: int) -> float:
        model = build(NETWORKS[label].architecture, CARD.shape, CLASSES, 0)
        x_NCHW, y_N = drawn(images)
        content, labels_N = peer.normalised(x_NCHW), torch.from_numpy(y_N)
        return timed(lambda: peer.right(model, content, labels_N, size), clock_of(threads))()

    return evaluated


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads)
    rows = []
    with Apart(our_side, asked.threads) as own, Apart(peers_side, asked.threads) as other:
        for label in asked.networks:
            images = 250 if asked.quick else IMAGES.get(label, ALL)
            sides: dict[str, Side] = {"ours": partial(own, label, images)}
            sides |= {str(size): partial(other, label, images, size) for size in SIZES}
            found = in_turn(sides, 1 if asked.quick else TURNS)
            best = min(map(str, SIZES), key=found.median)
            details = {
                "ours images/s": images / found.median("ours"),
                "peer images/s": images / found.median(best),
            }
            rows.append(
                Row(label, found.ratio(best, "ours"), wanted=1.0, details={**details, "peer's batch": best})
            )
    publish("evaluation", rows, asked.quick)


if __name__ == "__main__":
    main()
