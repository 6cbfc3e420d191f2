"""Fine-tuning: ours equals the reference, whose steps are known in closed form."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from .batches import samples
from .closed_forms import Weights, one, slope
from .harness import assert_equal, in_epochs, run
from .networks import NETS, fresh_network
from .references import finetune


def compare_by_default(kind: str) -> None:
    """Three batches an epoch, augmented, cosine over the epochs."""
    ours = run("finetune", kind, {"epochs": 3, "batch_size": 4, "schedule": "cosine"})
    assert all(batch.augmented for batch in ours.drawn)
    expected = finetune.reference(
        ours.original(),
        in_epochs(ours.batches("retain"), 3),
        optimizer=ours.optimizer(),
        learning_rates=[0.01 * (1 + math.cos(math.pi * e / 3)) / 2 for e in range(3)],
    )
    assert_equal(ours, expected)


def compare_adamw(kind: str) -> None:
    """AdamW, BatchNorm frozen."""
    settings = {"epochs": 2, "batch_size": 4, "optimizer": "adamw", "learning_rate": 1e-3, "bn_mode": "eval"}
    ours = run("finetune", kind, settings)
    expected = finetune.reference(
        ours.original(),
        in_epochs(ours.batches("retain"), 3),
        optimizer=ours.optimizer(),
        learning_rates=1e-3,
        mode="bn_eval",
    )
    assert_equal(ours, expected)


COMPARISONS = {"finetune": compare_by_default, "finetune: AdamW": compare_adamw}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_momentum_and_decay() -> None:
    """Two steps of one weight, worked out."""
    settings = {
        "optimizer": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.2},
        "learning_rates": [0.1, 0.3],
    }
    result = finetune.reference(Weights(1.0), [[one(2.0)], [one(-1.0)]], **settings)
    first = slope(1.0, 2.0) + 0.2 * 1.0
    w = 1.0 - 0.1 * first
    second = 0.9 * first + slope(w, -1.0) + 0.2 * w
    assert result.values() == pytest.approx([w - 0.3 * second], rel=1e-14)


def test_a_weight_that_the_loss_does_not_reach_stays() -> None:
    model = fresh_network("two_layer")
    model.first.weight.requires_grad_(False)
    before = copy.deepcopy(model.first.weight)
    settings: dict[str, Any] = {"optimizer": {"name": "sgd", "weight_decay": 0.5}, "learning_rates": 0.1}
    finetune.reference(model, [[samples("two_layer", 5, 1)]], **settings)
    assert torch.equal(model.first.weight, before)
