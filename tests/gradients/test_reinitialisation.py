from __future__ import annotations

import pytest
import torch
from torch import nn

from reunlearn.gradients.reinitialisation import above, belongs, fresh, snip, trimmable


def test_snip_adds_absolute_gradients() -> None:
    w = torch.tensor([2.0, -3.0], requires_grad=True)
    losses = (w @ torch.tensor(c) for c in ([1.0, -1.0], [-1.0, 4.0]))
    (found,) = snip(losses, [w])
    assert found.tolist() == [4.0, 15.0]


@pytest.mark.parametrize(
    ("sparsity", "kept"), [(0.5, {6, 7, 8, 9, 10}), (0.59, {6, 7, 8, 9, 10}), (0.9, {10})]
)
def test_the_threshold_is_the_kth_smallest_and_is_exceeded(sparsity: float, kept: set[int]) -> None:
    scores = [
        torch.tensor([10.0, 1.0, 2.0]),
        torch.tensor([[9.0, 3.0], [4.0, 8.0]]),
        torch.tensor([5.0, 6.0, 7.0]),
    ]
    masks = above(scores, sparsity)
    chosen = {int(v) for s, m in zip(scores, masks, strict=True) for v in s[m]}
    assert chosen == kept


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 1.0])
def test_an_extreme_threshold_gives_way_to_half_the_range(sparsity: float) -> None:
    (mask,) = above([torch.arange(11.0)], sparsity)
    assert mask.tolist() == [v > 5 for v in range(11)]
    assert not above([torch.ones(4)], sparsity)[0].logical_not().any()  # (1 − 1)/2 = 0: all exceed it


def test_modules_are_named_by_their_beginning() -> None:
    assert belongs("layers.4.conv1.weight", ("layers.4", "head"))
    assert not belongs("layers.40.conv1.weight", ("layers.4", "head"))
    assert belongs("anything", ())


def test_normalisation_is_trimmed_only_where_named_itself() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 3))
    )
    model[0].bias.requires_grad_(False)
    assert trimmable(model, ()) == {"0.weight", "2.1.weight", "2.1.bias"}
    assert trimmable(model, ("2",)) == {"2.1.weight", "2.1.bias"}
    assert trimmable(model, ("1", "2.0")) == {"1.weight", "1.bias", "2.0.weight", "2.0.bias"}


@pytest.mark.parametrize(("shape", "fan_in"), [((300, 16), 16), ((64, 4, 3, 3), 36), ((2000,), 1)])
def test_fresh_weights_are_those_of_torchs_layers(shape: tuple[int, ...], fan_in: int) -> None:
    values = fresh("conv.weight", torch.empty(shape, dtype=torch.float64), torch.Generator().manual_seed(0))
    limit = fan_in**-0.5
    assert values.dtype == torch.float64
    assert 0.98 * limit < values.abs().max() <= limit
    wide = values[:, None] if values.dim() == 1 else values
    reference = torch.nn.init.kaiming_uniform_(torch.empty_like(wide), a=5**0.5)
    assert abs(float(values.std() / reference.std()) - 1) < 0.05
    assert not fresh("conv.bias", torch.ones(3), torch.Generator()).any()
