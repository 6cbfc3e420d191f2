from __future__ import annotations

import pytest
import torch

from reunlearn.unlearning.distillation import divergence, frozen
from tests.unlearning.methods.small import NETWORKS
from tests.unlearning.methods.watched import slow_divergence


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_divergence_equals_its_sum(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    teacher, student = (3 * torch.randn(5, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    found = divergence(teacher, student, temperature)
    assert found.shape == (5,)
    torch.testing.assert_close(found.mean(), slow_divergence(teacher, student, temperature))
    assert abs(found.mean() - divergence(student, teacher, temperature).mean()) > 1e-3, "it has a direction"


def test_no_divergence_from_itself_and_none_is_infinite() -> None:
    logits = torch.tensor([[0.0, 200.0, -300.0]], dtype=torch.float64)
    assert divergence(logits, logits, 1.0).item() == 0
    assert divergence(logits, -logits, 1.0).item() == pytest.approx(500)


def test_a_frozen_copy_stays() -> None:
    model = NETWORKS["conv_net"]().train()
    copy = frozen(model)
    with torch.no_grad():
        model[0].weight.add_(1)
    assert not torch.equal(copy[0].weight, model[0].weight)
    assert not copy.training
    assert model.training
    assert not any(p.requires_grad for p in copy.parameters())
    assert all(p.requires_grad for p in model.parameters())
