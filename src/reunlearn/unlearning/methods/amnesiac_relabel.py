"""Give each forget sample one wrong label and train on all samples for a few epochs.

    θ ← θ − η ∇CE(θ; {(x, ỹ) : x ∈ forget} ∪ retain),   ỹ ≠ y drawn once

"Amnesiac" in the repositories of SSD and Bad Teacher, and in ∇τ's comparison. Sees: forget, retain. It shares
only the name with amnesiac machine learning, which subtracts recorded updates (Graves et al. 2021, method
`amnesiac`); the relabelling is that paper's first and simpler proposal.

Released: both sets shuffled together, Adam at 1e-4 without weight decay, 3 epochs, batches of 128 (256 in Bad
Teacher's), no augmentation, BatchNorm in training mode. In sub-class removal ỹ is another super-class.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.relabelling import Labels, Relabelling
from reunlearn.unlearning.task import Task


@method(
    paper="Graves et al. 2021, as released with SSD and Bad Teacher; baseline of ∇τ",
    needs=Needs(forget=True, retain=True),
    capabilities=("forget_target",),
    logs=("losses",),
)
@dataclass(frozen=True)
class AmnesiacRelabel(Relabelling):
    """Train on wrong labels for the forget set and true ones for the retain set, with Adam."""

    epochs: int = hyper(3, "passes over forget and retain (released 3)", ge=0)
    learning_rate: float = hyper(1e-4, "learning rate of the optimizer (released 1e-4)", gt=0)
    batch_size: int = hyper(128, "samples per batch (released 128)", ge=1)
    optimizer: str = hyper(
        "adam", "sgd (with momentum), adam (released) or adamw", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.0, "weight decay of the optimizer (released 0)", ge=0)
    augmented: bool = hyper(False, "batches are augmented as in training (released: no)")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over both sets."""
        optimizer = self.make_optimizer(model)
        self.teach(model, optimizer, Labels(task, self.label_rule), task)
        return model
