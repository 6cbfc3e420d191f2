"""Stopping rules on written accuracies: the last epoch, and the epoch whose weights are kept."""

from __future__ import annotations

import pytest
import torch

from reunlearn.unlearning.early_stopping import Watch

CASES = {  # rule, nearer, forget, validation per epoch → last epoch, kept epoch
    "chance": ("chance", False, [1.0, 0.4, 0.25, 0.1], None, (2, 2)),
    "gap, met exactly": ("gap", False, [1.0, 0.9, 0.7, 0.5], [0.8, 0.8, 0.7, 0.7], (2, 2)),
    "gap, from the start": ("gap", False, [0.5, 0.4], [0.6, 0.6], (0, 0)),
    "gap, this one is nearer": ("gap", True, [1.0, 0.9, 0.6], [0.7, 0.7, 0.7], (2, 2)),
    "gap, the one before is nearer": ("gap", True, [1.0, 0.75, 0.5], [0.7, 0.7, 0.7], (2, 1)),
    "gap, equality does not end it": ("gap", True, [1.0, 0.7, 0.5], [0.7, 0.7, 0.7], (2, 1)),
    "gap, nearer, from the start": ("gap", True, [0.5, 0.4], [0.6, 0.6], (0, 0)),
    "gap, never": ("gap", True, [1.0, 0.95, 0.9], [0.8, 0.8, 0.8], (2, 2)),
    "best in the middle": ("best", False, [1.0] * 4, [0.6, 0.7, 0.8, 0.75], (3, 2)),
    "best, ended by a fall": ("best", False, [1.0] * 4, [0.6, 0.62, 0.5, 0.9], (2, 1)),
    "best, a fall of less goes on": ("best", False, [1.0] * 4, [0.6, 0.58, 0.56, 0.9], (3, 3)),
    "best is never what it started from": ("best", False, [1.0] * 3, [0.9, 0.86, 0.86], (2, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_which_epoch_ends_and_which_is_kept(case: str) -> None:
    rule, nearer, forget, validation, (last, kept) = CASES[case]
    weights = {"w": torch.zeros(2)}
    watch = Watch(rule, weights, 0.25, nearer)
    for epoch, accuracy in enumerate(forget):
        weights["w"].fill_(epoch)
        if watch.over(epoch, accuracy, None if validation is None else validation[epoch]):
            break
    watch.settle()
    assert (epoch, int(weights["w"][0])) == (last, kept)
