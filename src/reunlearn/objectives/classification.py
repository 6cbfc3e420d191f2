"""Classification: mean cross-entropy of logits against integer labels. A draw is the labels to use."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.objectives._wrong_labels import wrong_labels

MODALITIES = ("images",)


class Classification:
    """Cross-entropy over `classes` classes.

    Args:
        classes: number of classes K.
        label_smoothing: share ε of the target that is spread over all classes: 1 − ε + ε/K on the label, ε/K on
            the others. For training only.
    """

    capabilities = frozenset({"outputs", "forget_target", "head", "pixels"})

    def __init__(self, classes: int, label_smoothing: float = 0.0) -> None:
        self.classes = classes
        self.label_smoothing = label_smoothing

    def draw(self, batch: Batch, generator: torch.Generator, labels: Tensor | None = None) -> Tensor:
        """Return the labels [B] to learn, the true ones unless others are given: nothing is random."""
        return batch.y if labels is None else labels

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        """Return the cross-entropy of each sample [B]."""
        smoothing = self.label_smoothing
        return functional.cross_entropy(model(batch.x), draw, reduction="none", label_smoothing=smoothing)

    def loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        """Return the mean cross-entropy."""
        return functional.cross_entropy(model(batch.x), draw, label_smoothing=self.label_smoothing)

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return logits [B, K]."""
        return model(batch.x)

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        """Return labels [B]: `random_label` uniform over all classes, `other_label` over all but the true one."""
        return wrong_labels(batch.y, self.classes, kind, generator)

    def head(self, model: nn.Module) -> nn.Module:
        """Return the last linear layer."""
        return [m for m in model.modules() if isinstance(m, nn.Linear)][-1]


def make(classes: int, label_smoothing: float = 0.0) -> Classification:
    """Return the objective for a dataset with so many classes."""
    return Classification(classes, label_smoothing)
