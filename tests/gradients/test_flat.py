from __future__ import annotations

import pytest
import torch
from torch import nn

from reunlearn.gradients.flat import flatten, gradients, trainable, unflatten


def test_unflatten_inverts_flatten() -> None:
    parts = [torch.randn(2, 3), torch.randn(()), torch.randn(4, 1, 2)]
    vector_P = flatten(parts)
    assert vector_P.shape == (15,)
    back = unflatten(vector_P, parts)
    assert all(torch.equal(a, b) for a, b in zip(parts, back, strict=True))
    with pytest.raises(ValueError, match="14 entries does not fill tensors of 15"):
        unflatten(vector_P[:14], parts)


def test_gradients_are_zero_where_nothing_depends() -> None:
    used, unused = (torch.ones(2, requires_grad=True) for _ in range(2))
    found = gradients((used**3).sum(), [used, unused])
    assert torch.equal(found[0], torch.full((2,), 3.0))
    assert torch.equal(found[1], torch.zeros(2))


def test_gradients_can_be_differentiated_again() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (first,) = gradients(x**3, [x], create_graph=True)
    (second,) = gradients(first, [x])
    assert second.item() == 12.0


def test_trainable_leaves_frozen_parameters_out() -> None:
    model = nn.Linear(2, 3)
    model.bias.requires_grad_(False)
    assert [p.shape for p in trainable(model)] == [(3, 2)]
