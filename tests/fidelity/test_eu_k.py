"""EU-k: ours equals the reference in both readings: the new layers, and how they are trained."""

from __future__ import annotations

import copy
import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from .batches import samples
from .closed_forms import PLAIN, softmax_regression_step
from .harness import Run, assert_equal, run
from .last_layer_runs import CLIP, epochs_and_settings
from .networks import NETS, fresh_network
from .references import cf_k, eu_k


def fresh_entries(ours: Run, k: int) -> dict[str, Tensor]:
    """Return the last k layers of the fresh network that the method was given, BatchNorm's statistics included."""
    (fresh,) = ours.fresh
    free = cf_k.free_modules(fresh, k)
    return {f"{name}.{key}": value for name, module in free for key, value in module.state_dict().items()}


def kaiming_entries(ours: Run, k: int) -> dict[str, Tensor]:
    """Return normal weights of variance 2/inputs from the task's first draws, last layer first; biases are 0."""
    generator = torch.Generator().manual_seed(0)
    entries = {}
    for name, module in reversed(cf_k.free_modules(ours.before, k)):
        if isinstance(module, nn.Conv2d | nn.Linear):
            inputs = module.weight[0].numel()
            drawn = torch.empty_like(module.weight).normal_(generator=generator)
            entries[f"{name}.weight"] = drawn * math.sqrt(2 / inputs)
            if module.bias is not None:
                entries[f"{name}.bias"] = torch.zeros_like(module.bias)
    return entries


def compare(kind: str, reading: str) -> None:
    """As many epochs as the original had; by the code BatchNorm goes on from where it was."""
    ours = run(f"eu_k@{reading}", kind, {"batch_size": 6, "k": 2, "clip": CLIP}, recipe={"epochs": 3})
    fresh_state = (fresh_entries if reading == "paper" else kaiming_entries)(ours, 2)
    epochs, settings = epochs_and_settings(ours, 2)
    assert len(epochs) == 3
    expected = eu_k.reference(
        ours.original(), epochs, k=2, fresh_state=fresh_state, clip_norm=CLIP, **settings
    )
    assert_equal(ours, expected)


COMPARISONS = {"eu_k@paper": partial(compare, reading="paper"), "eu_k@code": partial(compare, reading="code")}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_the_first_step_starts_from_the_fresh_layer() -> None:
    before, (x, y) = fresh_network("two_layer"), samples("two_layer", 5, 3)
    fresh = {"head.weight": torch.ones(3, 4).double(), "head.bias": torch.zeros(3).double()}
    after = eu_k.reference(copy.deepcopy(before), [[(x, y)]], k=1, fresh_state=fresh, **PLAIN)
    before.head.load_state_dict({"weight": fresh["head.weight"], "bias": fresh["head.bias"]})
    expected = softmax_regression_step(before.head, torch.tanh(before.first(x.flatten(1))), y)
    torch.testing.assert_close(after.head.weight, expected, rtol=1e-12, atol=1e-14)


def test_a_fresh_state_without_a_weight_is_refused() -> None:
    fresh = {"head.bias": torch.zeros(3).double()}
    with pytest.raises(ValueError, match="fresh_state"):
        eu_k.reference(fresh_network("two_layer"), [], k=1, fresh_state=fresh, **PLAIN)
