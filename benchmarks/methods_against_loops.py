"""What methods compute for whole batches, against the plain loops of method_loops.py: the last table of methods.py."""

from __future__ import annotations

from collections.abc import Callable

import method_loops as loops
import numpy as np
import torch
from history import Row, show
from method_subjects import BATCH, CLASSES, fastest, images, network
from torch import nn

from reunlearn.attacks import _gaussians
from reunlearn.data.batches import Batch
from reunlearn.gradients.kernel import Panels, kernel
from reunlearn.gradients.label_fisher import empirical_fisher, label_fisher
from reunlearn.gradients.saliency import top_fraction
from reunlearn.gradients.subspace import input_moments
from reunlearn.gradients.wood_fisher import wood_fisher


def sides(
    model: nn.Module, batch: Batch
) -> dict[str, tuple[int, Callable[[], object], int, Callable[[], object]]]:
    """Return (samples, ours, samples, loop) by what is computed."""

    def outputs(model: nn.Module, batch: Batch) -> torch.Tensor:
        return model(batch.x)

    def losses(model: nn.Module, batch: Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(model(batch.x), batch.y, reduction="none")

    def take(places: torch.Tensor | slice) -> Batch:
        return Batch(batch.x[places], batch.y[places], batch.index[places])

    few, some, all_ = take(slice(0, 4)), take(slice(0, 16)), len(batch)
    v = torch.randn(sum(p.numel() for p in model.parameters()))
    scores = [torch.randn_like(p) for p in model.parameters()]
    margins = np.random.default_rng(0).normal(size=(16, 20_000))
    trained = np.random.default_rng(1).permuted(np.tile(np.arange(16) % 2 == 0, (20_000, 1)), axis=1).T
    target = margins[0]

    def gaussians() -> np.ndarray:
        inside, outside = (_gaussians.fit(margins, which, "lira") for which in (trained, ~trained))
        return inside.log_density(target) - outside.log_density(target)

    def ntk(samples: Batch) -> torch.Tensor:
        return kernel(
            model, outputs, take, samples=len(samples), classes=CLASSES, panels=Panels(len(samples), 8)
        )

    return {
        "fisher, all labels": (32, lambda: label_fisher(model, outputs, [take(slice(0, 32))]), 4,
                               lambda: loops.fisher_of_all_labels(model, few)),
        "fisher, true label": (all_, lambda: empirical_fisher(model, outputs, [batch]), 16,
                               lambda: loops.fisher_of_true_labels(model, some)),
        "ntk, kernel of 16": (16, lambda: ntk(some), 16, lambda: loops.kernel(model, some)),
        "influence, recursion": (all_, lambda: wood_fisher(model, losses, [batch], v, 1000), 16,
                                 lambda: loops.influence(model, some)),
        "salun, mask": (1, lambda: top_fraction(scores, 0.5), 1, lambda: loops.mask(scores, 0.5)),
        "pgu, layer inputs": (all_, lambda: input_moments(model, [batch.x], model), 16,
                              lambda: loops.layer_inputs(model, some)),
        "lira, scores": (20_000, gaussians, 1_000,
                         lambda: loops.lira(margins[:, :1000], trained[:, :1000], target[:1000])),
    }  # fmt: skip


def against_loops() -> list[Row]:
    """Return a figure for each plain loop; of its few samples, times per sample are compared."""
    model = network(0).eval()
    batch = images()["retain"].take(slice(0, BATCH))
    rows = []
    for name, (count_, ours, loop_count, loop) in sides(model, batch).items():
        ours_ms, loop_ms = 1000 * fastest(ours, 2) / count_, 1000 * fastest(loop, 1) / loop_count
        details = {"ours ms": ours_ms, "loop ms": loop_ms, "samples of the loop": loop_count}
        rows.append(Row(f"{name}, against a plain loop", loop_ms / ours_ms, wanted=1.0, details=details))
        show(rows[-1:])
    return rows
