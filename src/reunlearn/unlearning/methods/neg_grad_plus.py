"""Fine-tune on the retain set, with a small share of gradient ascent on the forget set.

    θ ← θ − η ∇[α CE(θ; retain batch) − (1 − α) CE(θ; forget batch)]

Kurmanji et al. 2023 (NegGrad+ in SCRUB's repository). Sees: forget, retain. Defaults as released: α = 0.9999
(elsewhere 0.95), plain SGD at 0.01 without momentum or weight decay, 5 passes over the retain set, no
augmentation, BatchNorm in training mode, the retain batch forwarded first.

An epoch ends with the retain set; the forget set is repeated until then. As in the released loop, `cycle: repeat`
(the default) repeats the batches of the first pass: the same order, samples and augmentation. `cycle: reshuffle`
draws a new order for each pass. In both cases each epoch begins with a new order.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Kurmanji et al. 2023 (NegGrad+)", needs=Needs(forget=True, retain=True), logs=("losses", "cosines")
)
@dataclass(frozen=True)
class NegGradPlus(GradientMethod):
    """Descend the retain loss minus a small share of the forget loss."""

    epochs: int = hyper(5, "passes over the retain set (released 5)", ge=0)
    learning_rate: float = hyper(0.01, "learning rate of the optimizer (released 0.01)", gt=0)
    batch_size: int = hyper(128, "retain samples per batch (released 32 to 256)", ge=1)
    forget_batch_size: int = hyper(128, "forget samples per batch (released 16 to 512)", ge=1)
    momentum: float = hyper(0.0, "momentum of SGD (released 0)", ge=0, lt=1)
    weight_decay: float = hyper(0.0, "weight decay of the optimizer (released 0)", ge=0)
    augmented: bool = hyper(False, "batches are augmented as in training (released: no)")
    alpha: float = hyper(0.9999, "α: weight of the retain loss (released 0.9999 or 0.95)", ge=0, le=1)
    cycle: str = hyper(
        "repeat",
        "further passes over the forget set within an epoch repeat the batches of the first, or draw new ones",
        choices=("repeat", "reshuffle"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set."""
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, functools.partial(self.losses, model, task))
        for epoch in self.passes(model, optimizer, task):
            retain_batches = task.retain.batches(self.batch_size, augmented=self.augmented)
            for retain, forget in zip(retain_batches, self.forget_batches(task), strict=False):
                _, retain_loss, forget_loss = step(retain, forget)
                task.series.step(forget=forget_loss, retain=retain_loss)
            task.series.end_epoch(model)
            task.log(epoch + 1, retain_loss=retain_loss.item(), forget_loss=forget_loss.item())
        return model

    def losses(self, model: nn.Module, task: Task, retain: Batch, forget: Batch) -> tuple[Tensor, ...]:
        """Return the loss of a step, and those of its two batches."""
        retain_loss, forget_loss = task.loss(model, retain), task.loss(model, forget)
        return self.alpha * retain_loss - (1 - self.alpha) * forget_loss, retain_loss, forget_loss

    def forget_batches(self, task: Task) -> Iterator[Batch]:
        """Yield forget batches without end."""
        if self.cycle == "reshuffle":
            return task.forget.stream(self.forget_batch_size, augmented=self.augmented)
        return itertools.cycle(task.forget.batches(self.forget_batch_size, augmented=self.augmented))
