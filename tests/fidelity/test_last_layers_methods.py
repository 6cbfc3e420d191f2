"""CF-k and EU-k equal their references: which layers move, the warm restarts, the clipping, the new layers."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .harness import NETS, Run, assert_equal, epochs, run
from .mutations import Mutation
from .references import cf_k, eu_k

UNLEARNING = "reunlearn.unlearning."
CLIP = 0.3
# (epochs since the last restart, length of the cycle) of the first four epochs: cycles of 1, 2, 4 epochs
CYCLES = ((0, 1), (0, 2), (1, 2), (0, 4))
RATES = [0.005 + 0.095 * (1 + math.cos(math.pi * done / length)) / 2 for done, length in CYCLES]


def arguments(ours: Run, per_epoch: int) -> tuple[list[list[Any]], dict[str, Any]]:
    """Batches and settings of a run, for both references."""
    steps = [(d.x, d.y) for d in ours.of("retain")]
    count = len(steps) // per_epoch
    settings: dict[str, Any] = {"optimizer": ours.optimizer(), "learning_rates": RATES[:count]}
    return epochs(steps, per_epoch), settings


def compare_cf_k(kind: str, k: int = 2, frozen_bn: str = "eval") -> None:
    """Four epochs of two batches; the last convolution and the head move, in the small network all."""
    chosen = {"epochs": 4, "batch_size": 6, "k": k, "clip": CLIP, "frozen_bn_mode": frozen_bn}
    ours = run("cf_k", kind, chosen)
    steps, settings = arguments(ours, 2)
    expected = cf_k.reference(
        copy.deepcopy(ours.before), steps, k=k, frozen_bn=frozen_bn, clip_norm=CLIP, **settings
    )
    assert_equal(ours, expected)
    loose = cf_k.reference(copy.deepcopy(ours.before), steps, k=k, frozen_bn=frozen_bn, **settings)
    with pytest.raises(AssertionError):  # the norm is above the bound somewhere
        assert_equal(ours, loose)


def fresh_entries(ours: Run, k: int) -> dict[str, Tensor]:
    """The last k layers of the fresh network that the method was given, BatchNorm's statistics included."""
    (fresh,) = ours.fresh
    free = cf_k.free_modules(fresh, k)
    return {f"{name}.{key}": value for name, module in free for key, value in module.state_dict().items()}


def kaiming_entries(ours: Run, k: int) -> dict[str, Tensor]:
    """Normal weights of variance 2/inputs from the task's first draws, from the output backwards; biases 0."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, module in reversed(cf_k.free_modules(ours.before, k)):
        if isinstance(module, nn.Conv2d | nn.Linear):
            inputs = module.weight[0].numel()
            normal = torch.empty_like(module.weight).normal_(generator=generator)
            found[f"{name}.weight"] = normal * math.sqrt(2 / inputs)
            if module.bias is not None:
                found[f"{name}.bias"] = torch.zeros_like(module.bias)
    return found


def compare_eu_k(kind: str, reading: str) -> None:
    """As many epochs as the original had; by the code BatchNorm goes on from where it was."""
    ours = run(f"eu_k@{reading}", kind, {"batch_size": 6, "k": 2, "clip": CLIP}, recipe={"epochs": 3})
    fresh_state = (fresh_entries if reading == "paper" else kaiming_entries)(ours, 2)
    steps, settings = arguments(ours, 2)
    assert len(steps) == 3
    expected = eu_k.reference(
        copy.deepcopy(ours.before), steps, k=2, fresh_state=fresh_state, clip_norm=CLIP, **settings
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "cf_k": compare_cf_k,
    "cf_k@head": lambda kind: compare_cf_k(kind, k=1),
    "cf_k@statistics follow": lambda kind: compare_cf_k(kind, k=1, frozen_bn="train"),
    "eu_k@paper": lambda kind: compare_eu_k(kind, "paper"),
    "eu_k@code": lambda kind: compare_eu_k(kind, "code"),
}

MUTATIONS: dict[str, Mutation] = {
    "cf_k": (UNLEARNING + "last_layers", "(*WEIGHTED, *NORMS)", "WEIGHTED"),
    "cf_k@head": (UNLEARNING + "last_layers", "counted == k", "counted == k + 1"),
    "eu_k@paper": (UNLEARNING + "methods.eu_k", "(new.state_dict())", "(layer.state_dict())"),
    "eu_k@code": (UNLEARNING + "methods.eu_k", "layer.bias.zero_()", "pass"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
