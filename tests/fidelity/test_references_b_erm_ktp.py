"""Hand-computed checks of ERM-KTP: regulariser, mask, head transfer, training and matching steps."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .references import erm_ktp
from .references.plain_parts import batches_of
from .references_b_nets import CLASSES, built, normal, samples


def _f64(values: list | float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_erm_ktp_regulariser_and_mask_by_hand() -> None:
    mask = _f64([[0.5, 0.0, 1.0], [0.2, 0.4, 0.0]])
    pairs = (0.5 * 0 + 0.2 * 0.4) + (0.5 * 1 + 0) + 0.0
    found = erm_ktp.training_regulariser(mask)
    torch.testing.assert_close(found, _f64(1e-3 * ((2.1 - 0.6) + 0.1 * pairs)))
    assert float(erm_ktp.training_regulariser(_f64([[0.0, 0.0], [0.1, 0.0]]))) == 0.0
    mask = _f64([[0.5, -0.1, 0.25], [0.2, 0.4, 0.0]])
    erm_ktp.normalise_mask(mask)
    torch.testing.assert_close(mask, _f64([[1.0, 0.0, 0.5], [0.5, 1.0, 0.0]]))
    assert [erm_ktp.decayed(1.0, (10, 20), max(0, e - 5)) for e in (14, 15, 25)] == [1.0, 0.1, 0.1**2]


class _Plain(nn.Module):
    """A body without BatchNorm, so that train and eval mode agree."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Conv2d(2, 3, 3, dtype=torch.float64)
        self.head = nn.Linear(3, 2, dtype=torch.float64)


def test_erm_ktp_head_transfer_and_body_matching() -> None:
    mask, (x, y) = _f64([[0.0, 1.0], [1.0, 0.0], [0.0, 0.3]]), samples("small_conv", 8, 1)
    teacher, settings = _Plain(0), {"forgotten": [0], "momentum": 0.0, "weight_decay": 0.0}
    expected = teacher.head.weight.detach().clone()
    expected[0], expected[:, 1] = 0.0, 0.0
    data = {"retain": [batches_of((x, y), 4)]}
    student = erm_ktp.reference(teacher, data, fresh=copy.deepcopy(teacher), mask=mask, **settings)
    torch.testing.assert_close(student.body.weight, teacher.body.weight)
    torch.testing.assert_close(student.head.weight.detach(), expected)
    assert float(student.head.bias[0].detach()) == 0.0
    data = {"retain": [[(x, y)] * 300]}
    fresh = _Plain(1)
    before = (fresh.body.weight - teacher.body.weight).norm().item()
    far = erm_ktp.reference(teacher, data, fresh=fresh, mask=mask, **settings)
    assert (far.body.weight - teacher.body.weight).norm().item() < 0.2 * before


def test_erm_ktp_single_steps() -> None:
    """One masked training step and one matching step, both written with torch's own losses."""
    (x, y), mask = samples("small_conv", 4, 1), torch.sigmoid(normal(3, 2, seed=6))
    y, model, twin, m = (
        y % 2,
        _Plain(0),
        _Plain(0),
        (mask / mask.max(1, keepdim=True).values).requires_grad_(),
    )
    pooled = (twin.body(x) * m[:, y].T[..., None, None]).mean((2, 3))
    loss = nn.functional.cross_entropy(twin.head(pooled), y) + erm_ktp.training_regulariser(m)
    slopes = torch.autograd.grad(loss, [twin.body.weight, m])
    erm_ktp.reference_training(model, {"full": [[(x, y)]]}, mask=mask, weight_decay=0.0)
    torch.testing.assert_close(model.body.weight, twin.body.weight - 0.1 * slopes[0])
    torch.testing.assert_close(mask, m.detach() - 0.1 * slopes[1])

    teacher, fresh, keep = _Plain(0), _Plain(1), _f64([1, 0, 1])[:, None, None]
    start = copy.deepcopy(fresh)
    ours, theirs = (net.body(x) for net in (start, teacher))
    loss = nn.functional.mse_loss(ours, theirs)
    loss = loss + nn.functional.mse_loss((keep * ours).mean((2, 3)), (keep * theirs).mean((2, 3)))
    (slope,) = torch.autograd.grad(loss, start.body.weight)
    zeros = _f64([[0, 1], [1, 0], [0, 0]])
    data = {"retain": [[(x, y)]]}
    erm_ktp.reference(teacher, data, fresh=fresh, mask=zeros, forgotten=[0], weight_decay=0.0)
    torch.testing.assert_close(fresh.body.weight, start.body.weight - 0.1 * slope)


def test_erm_ktp_unmasked_epoch_is_plain_sgd() -> None:
    model, twin = built("small_conv"), built("small_conv")
    batches, mask = batches_of(samples("small_conv", 8, 1), 4), torch.full((4, CLASSES), 0.5).double()
    erm_ktp.reference_training(model, {"full": [batches]}, mask=mask, masked_remainder=1)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    for x, y in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin(x), y).backward()
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), twin.state_dict())
    torch.testing.assert_close(mask, torch.ones_like(mask))
