"""When an unlearning that is watched epoch by epoch ends, and which epoch's weights it keeps."""

from __future__ import annotations

import torch
from torch import Tensor

Weights = dict[str, Tensor]
RULES = ("gap", "chance", "best")
FALL = 0.05  # of validation accuracy, that ends `best`


class Watch:
    """Accuracies of each epoch in; whether it was the last one out.

    Epoch 0 only measures the model that unlearning starts from.

        chance    ends when forget is predicted no better than by chance, with that epoch
        gap       ends when validation is at least as accurate as forget, with that epoch
        gap, nearer    ends when it is more accurate, with whichever of the last two epochs is nearer to equality
        best      ends when validation is 5 points below epoch 0; keeps the most accurate epoch from 1 on

    Args:
        rule: one of RULES.
        weights: what moves; the weights kept are put back into these tensors.
        chance: accuracy by chance.
        nearer: see gap.
    """

    def __init__(self, rule: str, weights: Weights, chance: float, nearer: bool) -> None:
        self.rule, self.weights, self.chance, self.nearer = rule, weights, chance, nearer
        self.before, self.before_number = copies(weights), 0.0  # of the epoch before, or of the best one
        self.first = 0.0

    def over(self, epoch: int, forget: float, validation: float | None) -> bool:
        """Take note of an epoch; tell whether it is the last. The weights are then those to keep."""
        if self.rule == "chance":
            return forget <= self.chance
        assert validation is not None, "the rule reads validation"
        return self._gap(epoch, validation - forget) if self.rule == "gap" else self._best(epoch, validation)

    def _gap(self, epoch: int, gap: float) -> bool:
        if not self.nearer:
            return gap >= 0
        if gap > 0:
            if epoch and gap >= abs(self.before_number):
                put_back(self.weights, self.before)
            return True
        self.before, self.before_number = copies(self.weights), gap
        return False

    def _best(self, epoch: int, validation: float) -> bool:
        if epoch == 0:
            self.first = validation
            return False
        if epoch == 1 or validation > self.before_number:
            self.before, self.before_number = copies(self.weights), validation
        return validation < self.first - FALL

    def state(self) -> dict[str, Tensor]:
        """Return what it knows of the epochs so far."""
        numbers = torch.tensor([self.before_number, self.first], dtype=torch.float64)
        return {**self.before, "numbers": numbers}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.before = {name: value for name, value in state.items() if name != "numbers"}
        self.before_number, self.first = state["numbers"].tolist()

    def settle(self) -> None:
        """Put back the best epoch, where that is the rule; to be called after the last epoch."""
        if self.rule == "best":
            put_back(self.weights, self.before)


def copies(weights: Weights) -> Weights:
    """Return the weights as they are now."""
    return {name: weight.detach().clone() for name, weight in weights.items()}


def put_back(weights: Weights, values: Weights) -> None:
    """Give the weights these values."""
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(values[name])
