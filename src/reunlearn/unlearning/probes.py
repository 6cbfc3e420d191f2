"""Conflicts and cosines of the gradients of single forget samples (GDR-GMA, Sec. 3.3 and 4.1, Figures 1, 4 and 8).

    a_k   ascent gradient ∇(−CE) of forget sample k, at the weights of a step
    a, d  the two directions of a step, against which the weights move: of its forget and of its retain batch;
          where a method rectifies them, after that
    conflict of two gradients: their cosine is below 0

    conflict_forget_retain      share of the epoch's steps with ⟨a, d⟩ < 0, each counted with its forget samples
    conflict_retain_others      share of forget samples k, not of the step's batch, with ⟨d, a_k⟩ < 0
    conflict_forget_others      the same with ⟨a, a_k⟩ < 0
    cosine                      mean over k of cos(a_k at the end of this epoch, a_k at the end of the one before);
                                the first epoch is compared with the original; _low and _high: quartiles over k

The paper does not say how it measures. Here k runs over at most SAMPLES forget samples at equal distances, not
augmented; a_k is taken in evaluation mode, where BatchNorm does not mix samples. The pairs with others are looked at in
PROBED steps of each pass over forget, at equal distances. Where a step's batch is the whole forget set, there are none.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.gradients.alignment import cosines, products
from reunlearn.objectives.registry import Objective
from reunlearn.unlearning.series import Pair

SAMPLES = 64
PROBED = 4
ROUNDING = 1e-6  # of the cosine of two directions that a projection made orthogonal


class GradientProbe:
    """What is looked at, and the counts of the running epoch.

    Args:
        forget: the samples to forget; what is taken of them is not counted as drawn.
        objective: of the task.
        model: the original.
        kinds: conflicts, cosines, or both.
    """

    def __init__(self, forget: Samples, objective: Objective, model: nn.Module, kinds: Sequence[str]) -> None:
        rows = torch.linspace(0, len(forget) - 1, min(SAMPLES, len(forget))).long()
        self.batch = forget.take(rows.to(forget.device), None)
        self.objective = objective
        self.seconds = 0.0
        self._units = len(forget)
        self._done = 0  # forget samples of the epoch's steps so far
        self._met: dict[str, list[tuple[Tensor, int]]] = {}
        self._before = copy.deepcopy(model).eval() if "cosines" in kinds else None

    def directions(self, model: nn.Module, forget: Batch, pair: Pair) -> None:
        """Count the conflicts of a step."""
        with self._timed():
            a, d = pair() if callable(pair) else pair
            self._count("conflict_forget_retain", _cosine(a, d)[None] < -ROUNDING, len(forget))
            if self._is_due(len(forget)):
                others_B = ~torch.isin(self.batch.index, forget.index)
                with measured(model):
                    products_B2 = products(model, self._ascent, self.batch, (d, a))[others_B]
                for name, product_B in zip(("retain", "forget"), products_B2.T, strict=True):
                    self._count(f"conflict_{name}_others", product_B < 0, len(product_B))

    def end_epoch(self, model: nn.Module) -> dict[str, float]:
        """Return the shares of the epoch, and the cosines with the epoch before."""
        with self._timed():
            numbers = {
                name: _share(counts) for name, counts in self._met.items() if sum(n for _, n in counts)
            }
            self._met, self._done = {}, 0
            if self._before is not None:
                with measured(model):
                    cosine_B = cosines(model, self._before, self._ascent, self.batch)
                known = cosine_B[cosine_B.isfinite()].cpu()
                if len(known):
                    low, high = known.quantile(torch.tensor([0.25, 0.75])).tolist()
                    numbers |= {"cosine": known.mean().item(), "cosine_low": low, "cosine_high": high}
                self._before.load_state_dict(model.state_dict())
        return numbers

    def _ascent(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return −ℓ [B, 1], whose gradient the weights move against to forget."""
        return -self.objective.per_sample_loss(model, batch, batch.y)[:, None]

    def _is_due(self, drawn: int) -> bool:
        """Tell whether the others are looked at in this step: when the epoch has passed a further part of forget."""
        now, before = (done * PROBED // self._units for done in (self._done, self._done - drawn))
        self._done += drawn
        return now != before

    def _count(self, name: str, conflicts_B: Tensor, samples: int) -> None:
        self._met.setdefault(name, []).append((conflicts_B, samples))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count the block's seconds, those of a GPU's queue before it left out."""
        device = self.batch.y.device
        _wait(device)
        begin = time.perf_counter()
        yield
        _wait(device)
        self.seconds += time.perf_counter() - begin


def _cosine(a: Sequence[Tensor], d: Sequence[Tensor]) -> Tensor:
    parts = [
        torch.stack([(x * y).sum(), x.square().sum(), y.square().sum()]) for x, y in zip(a, d, strict=True)
    ]
    product, a_squared, d_squared = torch.stack(parts).sum(dim=0)
    return product / (a_squared * d_squared).sqrt()


def _share(counts: list[tuple[Tensor, int]]) -> float:
    """Return the share of conflicts in per cent; each mean over a step's samples counts with their number."""
    means = torch.stack([conflicts.float().mean() for conflicts, n in counts if n]).cpu()
    weights = torch.tensor([n for _, n in counts if n], dtype=torch.float32)
    return 100 * float((means * weights).sum() / weights.sum())


@contextmanager
def measured(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode for a block; each module is then in the mode in which it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
