"""CF-k: ours equals the reference: which layers move, the warm restarts, the clipping."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from .batches import samples
from .closed_forms import PLAIN, softmax_regression_step
from .harness import assert_equal, run
from .last_layer_runs import CLIP, epochs_and_settings
from .networks import NETS, fresh_network
from .references import cf_k


def compare(kind: str, k: int = 2, frozen_bn: str = "eval") -> None:
    """Four epochs of two batches; the last convolution and the head move, in the small network all."""
    chosen = {"epochs": 4, "batch_size": 6, "k": k, "clip": CLIP, "frozen_bn_mode": frozen_bn}
    ours = run("cf_k", kind, chosen)
    epochs, settings = epochs_and_settings(ours, 2)
    settings |= {"k": k, "frozen_bn": frozen_bn}
    assert_equal(ours, cf_k.reference(ours.original(), epochs, clip_norm=CLIP, **settings))
    with pytest.raises(AssertionError):  # the norm is above the bound somewhere
        assert_equal(ours, cf_k.reference(ours.original(), epochs, **settings))


COMPARISONS = {
    "cf_k": compare,
    "cf_k: head": partial(compare, k=1),
    "cf_k: statistics follow": partial(compare, k=1, frozen_bn="train"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_step_is_softmax_regression_on_frozen_features() -> None:
    before, (x, y) = fresh_network("two_layer"), samples("two_layer", 5, 3)
    after = cf_k.reference(copy.deepcopy(before), [[(x, y)]], k=1, **PLAIN)
    expected = softmax_regression_step(before.head, torch.tanh(before.first(x.flatten(1))), y)
    torch.testing.assert_close(after.head.weight, expected, rtol=1e-12, atol=1e-14)
    assert torch.equal(after.first.weight, before.first.weight)


def test_the_batch_norm_after_a_free_layer_is_free() -> None:
    names = [name for name, _ in cf_k.free_modules(fresh_network("small_conv"), 2)]
    assert names == ["body.3", "body.4", "body.5", "head"]
