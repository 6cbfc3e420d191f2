"""The diagonal Fisher information against one sample and one label at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.gradients.fisher import mean_label_fisher
from reunlearn.gradients.label_fisher import all_labels, empirical_fisher, label_fisher
from tests.gradients.test_per_sample import CLASSES, RULED, UNRULED, network, outputs, samples

NETWORKS = {name: {**RULED, **UNRULED}[name] for name in ("padded", "twice", "sequences", "places")}


def batches(size: int) -> list[Batch]:
    whole = samples()
    parts = zip(whole.x.split(size), whole.y.split(size), whole.index.split(size), strict=True)
    return [Batch(*part) for part in parts]


def gradient(model: nn.Module, loss: Tensor) -> list[Tensor]:
    model.zero_grad()
    loss.backward(retain_graph=True)
    return [p.grad.clone() for p in model.parameters()]


def one_by_one(model: nn.Module) -> list[Tensor]:
    """Return F over all labels at batch size 1."""
    total = [torch.zeros_like(p) for p in model.parameters()]
    for batch in batches(1):
        z = model(batch.x)
        for y in range(CLASSES):
            found = gradient(model, functional.cross_entropy(z, torch.tensor([y])))
            for accumulated, g in zip(total, found, strict=True):
                accumulated += z.softmax(1)[0, y].item() * g**2 / len(samples())
    return total


def far(found: list[Tensor], expected: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_all_labels_equal_the_loop_at_every_batch_size(name: str, size: int) -> None:
    model = network(NETWORKS[name])
    found = label_fisher(model, outputs, batches(size))
    assert far(found, one_by_one(model)) < 1e-12


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("spread", [0.0, 3.0, 1000.0])
def test_cotangents_of_all_labels_are_one_fewer(classes: int, spread: float) -> None:
    z = spread * torch.randn(20, classes, generator=torch.Generator().manual_seed(0))
    p = z.double().softmax(1)
    found = all_labels(z).double()
    assert found.shape == (20, classes - 1, classes)
    expected = p.diag_embed() - p[:, :, None] * p[:, None, :]
    torch.testing.assert_close(found.mT @ found, expected, rtol=0, atol=1e-6)
    last = torch.zeros(1, classes).index_fill(1, torch.tensor([classes - 1]), 200.0)
    assert all_labels(last).isfinite().all() and all_labels(last.flip(1)).isfinite().all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_true_label_equals_the_loop(name: str) -> None:
    model, shift = network(NETWORKS[name]), 0.01
    expected = [torch.zeros_like(p) for p in model.parameters()]
    for batch in batches(1):
        found = gradient(model, model(batch.x).log_softmax(1)[0, int(batch.y)])
        for accumulated, g in zip(expected, found, strict=True):
            accumulated += (g + shift) ** 2 / len(samples())
    assert far(empirical_fisher(model, outputs, batches(3), shift), expected) < 1e-12
    assert far(empirical_fisher(model, outputs, batches(3), -shift), expected) > 1e-4


def test_batch_means_depend_on_the_batch_size() -> None:
    model = network(NETWORKS["padded"])
    of = {n: mean_label_fisher((model(b.x) for b in batches(n)), list(model.parameters())) for n in (1, 3)}
    assert far(of[1], one_by_one(model)) < 1e-12
    assert far(of[3], one_by_one(model)) > 1e-4
    expected = [torch.zeros_like(p) for p in model.parameters()]
    for batch in batches(3):
        z = model(batch.x)
        for y in range(CLASSES):
            found = gradient(model, functional.cross_entropy(z, torch.full((len(batch),), y)))
            for accumulated, g in zip(expected, found, strict=True):
                accumulated += z.softmax(1)[:, y].mean().item() * g**2 / 3
    assert far(of[3], expected) < 1e-12


def test_no_sample_is_refused() -> None:
    model = network(NETWORKS["padded"])
    with pytest.raises(ValueError, match="at least one sample"):
        label_fisher(model, outputs, [])
    with pytest.raises(ValueError, match="at least one batch"):
        mean_label_fisher(iter([]), list(model.parameters()))
