"""Products and cosines of single samples' gradients against one backward pass for each sample."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.alignment import cosines, products
from reunlearn.gradients.flat import flatten, gradients, trainable
from tests.gradients.test_per_sample import CLASSES, RULED, Places

NETWORKS = {"plain": RULED["plain"], "twice": RULED["twice"], "by torch.func": Places}


def losses(model: nn.Module, batch: Batch) -> Tensor:
    return nn.functional.cross_entropy(model(batch.x), batch.y, reduction="none")[:, None]


def problem(network: str) -> tuple[nn.Module, Batch]:
    torch.manual_seed(1)
    model = NETWORKS[network]().double().eval()
    return model, Batch(torch.randn(5, 4, 3, 3).double(), torch.arange(5) % CLASSES, torch.arange(5))


def slow(model: nn.Module, batch: Batch) -> list[Tensor]:
    """Return the gradient [P] of each sample."""
    return [
        flatten(gradients(loss, trainable(model), retain_graph=True)) for loss in losses(model, batch)[:, 0]
    ]


@pytest.mark.parametrize("network", NETWORKS)
def test_products_equal_those_of_whole_gradients(network: str) -> None:
    model, batch = problem(network)
    directions = [[torch.randn_like(p) for p in trainable(model)] for _ in range(2)]
    expected = torch.stack([torch.stack([g @ flatten(v) for v in directions]) for g in slow(model, batch)])
    torch.testing.assert_close(products(model, losses, batch, directions), expected)
    assert (expected < 0).any() and (expected > 0).any()


@pytest.mark.parametrize("network", NETWORKS)
def test_cosines_equal_those_of_whole_gradients(network: str) -> None:
    model, batch = problem(network)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(0.3 * torch.randn_like(p))
    pairs = zip(slow(model, batch), slow(other, batch), strict=True)
    expected = torch.stack([torch.nn.functional.cosine_similarity(g, h, dim=0) for g, h in pairs])
    found = cosines(model, other, losses, batch)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)
    assert found.max() < 0.999
    torch.testing.assert_close(cosines(model, model, losses, batch), torch.ones(5))
