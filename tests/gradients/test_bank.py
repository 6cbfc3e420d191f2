"""The two banks: one holds the previous epoch and stays as it is, the other forgets its oldest and drifts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reunlearn.gradients.bank import DriftingBank, EpochBank

PROBE = torch.tensor([1.0, 0.0])


def vectors() -> list[Tensor]:
    """Return three vectors against the probe and one along it."""
    return [torch.tensor(v) for v in ([-1.0, 1.0], [2.0, 5.0], [-2.0, 0.0], [-3.0, -4.0])]


def test_epoch_bank_gives_the_mean_of_what_conflicts() -> None:
    bank = EpochBank()
    for v in vectors():
        bank.add(v)
    assert torch.equal(bank.joint(PROBE), torch.zeros(2)), "the current epoch is not read"
    bank.turn()
    expected = torch.tensor([-2.0, -1.0])
    assert torch.equal(bank.joint(PROBE), expected)
    assert torch.equal(bank.joint(PROBE), expected), "reading changes nothing"
    assert torch.equal(bank.joint(-PROBE), torch.tensor([2.0, 5.0]))
    assert torch.equal(bank.joint(torch.zeros(2)), torch.zeros(2)), "nothing conflicts"
    bank.turn()
    assert torch.equal(bank.joint(PROBE), torch.zeros(2)), "an epoch is kept for one epoch"


def test_drifting_bank_changes_when_read() -> None:
    bank = DriftingBank(size=4)
    for v in vectors():
        bank.add(v)
    assert bank.read(PROBE).tolist() == pytest.approx([-2, -1])
    # the first entry is now the sum (−6, −3) of the three
    assert bank.read(PROBE).tolist() == pytest.approx([-11 / 3, -7 / 3])


def test_drifting_bank_keeps_a_single_choice_as_it_is() -> None:
    bank = DriftingBank(size=4)
    for v in vectors():
        bank.add(v)
    for _ in range(2):
        assert bank.read(-PROBE).tolist() == [2.0, 5.0]
    assert DriftingBank.read(bank, torch.zeros(2)) is None


def test_drifting_bank_drops_its_oldest_and_copies() -> None:
    bank, given = DriftingBank(size=2), vectors()
    for v in given:
        bank.add(v)
    assert bank.read(PROBE).tolist() == [-2.5, -2.0]
    assert [v.tolist() for v in given] == [v.tolist() for v in vectors()]
