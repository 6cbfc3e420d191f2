"""Every reference of the second group runs in float64 on both small networks and changes the weights."""

from __future__ import annotations

import copy

import pytest
import torch

from .references_b_calls import METHODS
from .references_b_nets import NETS, built

# ERM-KTP needs a feature map
CASES = [
    (method, kind)
    for method in METHODS
    for kind in NETS
    if kind != "two_layer" or not method.startswith("erm")
]


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_runs_in_float64_and_changes_the_weights(method: str, kind: str) -> None:
    model = built(kind)
    before = copy.deepcopy(model.state_dict())
    result = METHODS[method](model, kind)
    after = result.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.isfinite(v).all() for v in after.values())
    assert all(v.dtype in (torch.float64, torch.int64) for v in after.values())
    assert any(not torch.equal(after[n], before[n]) for n, _ in result.named_parameters())


@pytest.mark.parametrize("method", ["fisher", "ssd", "influence", "ntk", "unrolling", "pgu", "depoisoning"])
def test_leaves_the_batch_norm_statistics(method: str) -> None:
    model = built("small_conv")
    before = {n: b.clone() for n, b in model.named_buffers()}
    METHODS[method](model, "small_conv")
    assert all(torch.equal(b, before[n]) for n, b in model.named_buffers())
    assert model.training and all(m.training for m in model.modules())
