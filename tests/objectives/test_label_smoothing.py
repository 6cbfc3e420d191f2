"""What a recipe adds to the loss: label smoothing is torch's own, the spread of the logits Unrolling SGD's."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.objectives.classification import make

CLASSES = 5


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    x_BK = torch.randn(7, CLASSES, generator=generator)
    return Batch(x_BK, torch.arange(7) % CLASSES, torch.arange(7))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_both_losses_are_torchs(batch: Batch, smoothing: float) -> None:
    objective, logits = make(CLASSES, smoothing), nn.Identity()
    for kind, loss in (("mean", objective.loss), ("none", objective.per_sample_loss)):
        settings = {"reduction": kind, "label_smoothing": smoothing}
        expected = functional.cross_entropy(batch.x, batch.y, **settings)
        assert torch.equal(loss(logits, batch, batch.y), expected)
        other = functional.cross_entropy(batch.x, batch.y, reduction=kind, label_smoothing=smoothing + 0.1)
        assert not torch.allclose(loss(logits, batch, batch.y), other)


def test_the_smoothed_target_is_a_mixture_with_the_uniform_one(batch: Batch) -> None:
    target_BK = 0.9 * functional.one_hot(batch.y, CLASSES) + 0.1 / CLASSES
    expected = -(target_BK * batch.x.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(make(CLASSES, 0.1).loss(nn.Identity(), batch, batch.y), expected)


def test_without_a_word_labels_are_sharp(batch: Batch) -> None:
    found = make(CLASSES).loss(nn.Identity(), batch, batch.y)
    assert torch.equal(found, functional.cross_entropy(batch.x, batch.y))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_spread_of_each_samples_logits_is_added(batch: Batch, smoothing: float) -> None:
    plain, spread = make(CLASSES, smoothing), make(CLASSES, smoothing, 0.3)
    expected = []
    for logits, loss in zip(
        batch.x.tolist(), plain.per_sample_loss(nn.Identity(), batch, batch.y).tolist(), strict=True
    ):
        mean = sum(logits) / CLASSES
        expected.append(loss + 0.3 * (sum((z - mean) ** 2 for z in logits) / (CLASSES - 1)) ** 0.5)
    found_B = spread.per_sample_loss(nn.Identity(), batch, batch.y)
    torch.testing.assert_close(found_B, torch.tensor(expected))
    torch.testing.assert_close(spread.loss(nn.Identity(), batch, batch.y), found_B.mean())
    assert not torch.allclose(found_B, plain.per_sample_loss(nn.Identity(), batch, batch.y))


def test_the_released_regulariser_divides_by_the_classes_too(batch: Batch) -> None:
    """Thudi et al. sum the deviations and divide by the number of all logits: their coefficient is K times ours."""
    theirs = 0.1 * batch.x.std(dim=1).sum() / batch.x.numel()
    added = make(CLASSES, 0.0, 0.1 / CLASSES).loss(nn.Identity(), batch, batch.y) - make(CLASSES).loss(
        nn.Identity(), batch, batch.y
    )
    torch.testing.assert_close(added, theirs)
