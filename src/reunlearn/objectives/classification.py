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
        logit_std: coefficient of a sample's standard deviation of logits (divisor K − 1), which is added to its loss.
            For training only (Unrolling SGD, Thudi et al. 2022; the released code also divides it by K).
    """

    capabilities = frozenset({"outputs", "forget_target", "head", "pixels", "deterministic"})

    def __init__(self, classes: int, label_smoothing: float = 0.0, logit_std: float = 0.0) -> None:
        self.classes = classes
        self.label_smoothing = label_smoothing
        self.logit_std = logit_std

    def draw(self, batch: Batch, generator: torch.Generator, labels: Tensor | None = None) -> Tensor:
        """Return the labels [B] to learn, the true ones unless others are given: nothing is random."""
        return batch.y if labels is None else labels

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        """Return the loss of each sample [B]: cross-entropy, and what the recipe adds."""
        logits_BK = model(batch.x)
        losses_B = functional.cross_entropy(
            logits_BK, draw, reduction="none", label_smoothing=self.label_smoothing
        )
        return losses_B + self.logit_std * logits_BK.std(dim=1) if self.logit_std else losses_B

    def loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        """Return the mean of the per-sample losses."""
        logits_BK = model(batch.x)
        loss = functional.cross_entropy(logits_BK, draw, label_smoothing=self.label_smoothing)
        return loss + self.logit_std * logits_BK.std(dim=1).mean() if self.logit_std else loss

    def for_masks(self) -> Classification:
        """Return itself: masks are made from the loss."""
        return self

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return logits [B, K]."""
        return model(batch.x)

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        """Return labels [B] that are not the truth; see wrong_labels."""
        return wrong_labels(batch.y, self.classes, kind, generator)

    def head(self, model: nn.Module) -> nn.Module:
        """Return the last linear layer."""
        return [m for m in model.modules() if isinstance(m, nn.Linear)][-1]


def make(classes: int, label_smoothing: float = 0.0, logit_std: float = 0.0) -> Classification:
    """Return the objective for a dataset with so many classes."""
    return Classification(classes, label_smoothing, logit_std)
