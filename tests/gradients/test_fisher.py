from __future__ import annotations

import pytest
import torch

from reunlearn.gradients.fisher import squared_gradients


def test_is_the_mean_of_squared_gradients() -> None:
    a, b = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(3.0, requires_grad=True)
    losses = (scale * (a.sum() + b**2) for scale in (1.0, -3.0))
    found = squared_gradients(losses, [a, b])
    assert torch.equal(found[0], torch.full((2,), (1 + 9) / 2))
    assert found[1].item() == (36 + 9 * 36) / 2


def test_squares_come_after_the_batch_mean() -> None:
    w = torch.tensor(1.0, requires_grad=True)
    x = torch.tensor([1.0, -1.0])
    (together,) = squared_gradients(iter([(w * x).mean()]), [w])
    (apart,) = squared_gradients((w * v for v in x), [w])
    assert together.item() == 0.0
    assert apart.item() == 1.0


def test_no_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        squared_gradients(iter([]), [torch.ones(1, requires_grad=True)])
