"""Train on random labels for the forget set and on the true labels for the retain set.

    θ ← θ − η ∇CE(θ; {(x, ỹ) : x ∈ forget} ∪ retain),   ỹ random

Baseline of GDR-GMA and SFR-on (Golatkar et al. 2020; Fan et al. 2024 without its mask). Sees: forget, retain.

Two released codebases differ. SFR-on's repository does what Fan et al. describe: the paper reading, whose
settings are the defaults (learning rate 0.003, cosine, 10 epochs). The code reading is the Unlearn-Saliency
repository (OPTML) on CIFAR-10 and SVHN, at a constant rate; on CIFAR-100 and TinyImageNet it mixes both sets in
every batch (`order: shuffled`), with the same label rule.

In both codebases forget and retain share one optimizer, and BatchNorm is in training mode for both.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.readings import chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.relabelling import RELABELLING, Labels, RelabellingReadings
from reunlearn.unlearning.task import Task


@method(
    paper="Golatkar et al. 2020; baseline of GDR-GMA, SFR-on",
    needs=Needs(forget=True, retain=True),
    divergences=RELABELLING,
    capabilities=("forget_target",),
    logs=("losses",),
)
@dataclass(frozen=True)
class RandomLabels(RelabellingReadings):
    """Train on random labels for the forget set and true ones for the retain set."""

    epochs: int = hyper(10, "passes over forget and retain (SFR-on repository, CIFAR-10: 10)", ge=0)
    learning_rate: float = hyper(
        0.003, "learning rate of the optimizer (SFR-on repository, CIFAR-10: 0.003)", gt=0
    )
    schedule: str = hyper(
        "cosine",
        "schedule of the learning rate, per epoch (SFR-on repository: cosine)",
        choices=("constant", "cosine", "linear"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over both sets."""
        optimizer = self.make_optimizer(model)
        self.teach(model, optimizer, Labels(task, chosen(self, "label_rule")), task)
        return model
