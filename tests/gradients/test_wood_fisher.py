"""The recursion from directional derivatives against the recursion from gradients, sample by sample."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.gradients.kernel import Panels
from reunlearn.gradients.wood_fisher import wood_fisher, wood_fisher_inverse
from tests.gradients.test_label_fisher import batches
from tests.gradients.test_per_sample import RULED, UNRULED, network, samples

NETWORKS = {
    name: {**RULED, **UNRULED}[name] for name in ("padded", "twice", "sequences", "places", "attention")
}
SIZE = 4  # N


def losses(model: nn.Module, batch: Batch) -> Tensor:
    return functional.cross_entropy(model(batch.x), batch.y, reduction="none")


def gradients_one_by_one(model: nn.Module) -> list[Tensor]:
    found = []
    for batch in batches(1):
        model.zero_grad()
        losses(model, batch)[0].backward()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    return found


def released(gradients: list[Tensor], v: Tensor, size: float) -> Tensor:
    """Return k by the recursion as it stands: whole vectors, one sample after the other."""
    k, o = v.clone(), gradients[0].clone()
    for g in gradients[1:]:
        t = torch.dot(o, g)
        k = k - torch.dot(k, g) / (size + t) * o
        o = o - t / (size + t) * o
    return k


def direction(model: nn.Module) -> Tensor:
    count = sum(p.numel() for p in model.parameters())
    return torch.randn(count, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_blocks_equal_the_recursion_over_single_samples(name: str, size: int) -> None:
    model = network(NETWORKS[name])
    v = direction(model)
    gradients = gradients_one_by_one(model)
    expected = released(gradients, v, SIZE)
    found = wood_fisher(model, losses, batches(size), v, SIZE)
    assert (found - expected).abs().max() < 1e-9
    assert (found - v).abs().max() > 1e-3, "the recursion moved nothing"
    assert (found - released(gradients[1:], v, SIZE)).abs().max() > 1e-6, "the first sample counts"


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("panels", [Panels(1, 1), Panels(4, 2), Panels(100, 8)])
def test_the_inverse_is_that_of_the_matrix(name: str, panels: Panels) -> None:
    model = network(NETWORKS[name])
    v = direction(model)
    rows = torch.stack(gradients_one_by_one(model))
    matrix = torch.eye(len(v), dtype=v.dtype) + rows.T @ rows / SIZE
    found = wood_fisher_inverse(model, losses, samples(), v, size=SIZE, panels=panels, batch_size=3)
    assert (found - torch.linalg.solve(matrix, v)).abs().max() < 1e-9
    assert (found - released(list(rows), v, SIZE)).abs().max() > 1e-3, "the released recursion is another"


def test_the_result_stays_on_a_line() -> None:
    model = network(NETWORKS["padded"])
    v, first = direction(model), gradients_one_by_one(model)[0]
    moved = wood_fisher(model, losses, batches(3), v, SIZE) - v
    off = moved - (moved @ first) / (first @ first) * first
    assert off.norm() < 1e-12 * moved.norm()


def test_one_sample_leaves_the_vector_and_none_is_refused() -> None:
    model = network(NETWORKS["padded"])
    v = direction(model)
    assert torch.equal(wood_fisher(model, losses, batches(1)[:1], v, SIZE), v)
    with pytest.raises(ValueError, match="at least one sample"):
        wood_fisher(model, losses, [], v, SIZE)
