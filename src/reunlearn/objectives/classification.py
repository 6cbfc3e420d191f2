"""Classification: mean cross-entropy of logits against integer labels. A draw is the labels to use."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch


class Classification:
    """Cross-entropy over `classes` classes."""

    capabilities = frozenset({"outputs", "forget_target", "head"})

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def draw(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the true labels [B]: nothing is random."""
        return batch.y

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        """Return the cross-entropy of each sample [B]."""
        return functional.cross_entropy(model(batch.x), draw, reduction="none")

    def loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        """Return the mean cross-entropy."""
        return functional.cross_entropy(model(batch.x), draw)

    def outputs(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return logits [B, K]."""
        return model(batch.x)

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        """Return labels [B]: `random_label` uniform over all classes, `other_label` over all but the true one."""
        count, device = len(batch.y), batch.y.device
        if kind == "random_label":
            return torch.randint(0, self.classes, (count,), generator=generator).to(device)
        if kind == "other_label":
            step = torch.randint(1, self.classes, (count,), generator=generator).to(device)
            return (batch.y + step) % self.classes
        raise ValueError(f"no forget target '{kind}'; known: random_label, other_label")

    def head(self, model: nn.Module) -> nn.Module:
        """Return the last linear layer."""
        return [m for m in model.modules() if isinstance(m, nn.Linear)][-1]


def make(classes: int) -> Classification:
    """Return the objective for a dataset with so many classes."""
    return Classification(classes)
