"""The banks: one holds the previous epoch, the other the last gradients; reading leaves them alone or drifts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reunlearn.gradients.bank import (
    EpochBank,
    FifoBank,
    bank_bytes,
    conflicting_mean,
    drifting_mean,
    streamed_joint,
)

PROBE = torch.tensor([1.0, 0.0])
ZEROS = [0.0, 0.0]


def rows() -> Tensor:
    """Return three vectors against the probe and one along it."""
    return torch.tensor([[-1.0, 1.0], [2.0, 5.0], [-2.0, 0.0], [-3.0, -4.0]])


def test_epoch_bank_gives_the_mean_of_what_conflicts() -> None:
    bank = EpochBank()
    for row in rows():
        bank.add(row[None])
    assert bank.joint(PROBE).tolist() == ZEROS, "the current epoch is not read"
    bank.end_epoch()
    expected = [-2.0, -1.0]
    assert bank.joint(PROBE).tolist() == expected
    assert bank.joint(PROBE).tolist() == expected, "reading changes nothing"
    assert bank.joint(-PROBE).tolist() == [2.0, 5.0]
    assert bank.joint(torch.zeros(2)).tolist() == ZEROS, "nothing conflicts"
    bank.end_epoch()
    assert bank.joint(PROBE).tolist() == ZEROS, "an epoch is kept for one epoch"


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (4,), (3, 1)])
def test_rows_come_one_by_one_or_many_at_once(sizes: tuple[int, ...]) -> None:
    banks = [EpochBank(), FifoBank(4)]
    for bank in banks:
        for part in rows().split(sizes):
            bank.add(part)
        bank.end_epoch()
        assert bank.joint(PROBE).tolist() == [-2.0, -1.0]


def test_drifting_mean_changes_the_first_row_and_looks_twice() -> None:
    bank_EP = rows()
    # first look: (−6, −3)/3, row 0 is now the sum (−6, −3); second look: (−6 − 2 − 3, −3 + 0 − 4)/3
    assert drifting_mean(bank_EP, range(4), PROBE).tolist() == pytest.approx([-11 / 3, -7 / 3])
    assert bank_EP[0].tolist() == [-11.0, -7.0]
    assert torch.equal(bank_EP[1:], rows()[1:])


def test_drifting_mean_sums_into_the_oldest() -> None:
    bank_EP = rows()
    drifting_mean(bank_EP, [2, 3, 0, 1], PROBE)
    assert bank_EP[2].tolist() == [-10.0, -6.0]
    assert torch.equal(bank_EP[:2], rows()[:2])


def test_a_single_choice_does_not_drift() -> None:
    bank_EP = rows()
    for _ in range(2):
        assert drifting_mean(bank_EP, range(4), -PROBE).tolist() == [2.0, 5.0]
    assert torch.equal(bank_EP, rows())
    assert drifting_mean(bank_EP, range(4), torch.zeros(2)).tolist() == ZEROS


def test_fifo_bank_drops_its_oldest_copies_and_waits_for_the_second_epoch() -> None:
    bank, given = FifoBank(size=2, drifts=True), rows()
    for row in given:
        bank.add(row[None])
    assert bank.joint(PROBE).tolist() == ZEROS, "the first epoch only fills it"
    bank.end_epoch()
    assert bank.joint(PROBE).tolist() == [(-5.0 - 3.0) / 2, (-4.0 - 4.0) / 2]
    assert torch.equal(given, rows()), "what was put in is copied"
    bank.add(torch.tensor([[-1.0, 0.0]]))  # in place of the drifted row, which was the oldest
    assert FifoBank.joint(bank, -PROBE).tolist() == ZEROS
    stable = FifoBank(size=2)
    stable.add(torch.cat((given, torch.tensor([[-1.0, 0.0]]))))
    stable.end_epoch()
    assert stable.joint(PROBE).tolist() == [-2.0, -2.0]


def test_half_precision_halves_the_memory_and_rounds() -> None:
    exact, rounded = EpochBank(), EpochBank(dtype=torch.bfloat16)
    for bank in (exact, rounded):
        bank.add(rows() / 3)
        bank.end_epoch()
    assert rounded.joint(PROBE).dtype == PROBE.dtype
    torch.testing.assert_close(rounded.joint(PROBE), exact.joint(PROBE), rtol=0.02, atol=0)
    assert not torch.equal(rounded.joint(PROBE), exact.joint(PROBE))
    assert bank_bytes("fifo", 40, 1000, 2) * 2 == bank_bytes("fifo", 40, 1000, 4) == 160_000


def test_memory_of_resnet18_on_a_fifth_of_cifar10() -> None:
    parameters, batches = 11_173_962, -(-10_000 // 256)
    assert bank_bytes("previous_epoch", batches, parameters, 4) / 1e9 == pytest.approx(3.58, abs=0.01)
    assert bank_bytes("fifo", batches, parameters, 4) / 1e9 == pytest.approx(1.79, abs=0.01)
    assert bank_bytes("fifo", 10_000, parameters, 4) / 1e9 == pytest.approx(447, abs=0.1)
    assert bank_bytes("off", batches, parameters, 4) == bank_bytes("recompute", batches, parameters, 4) == 0


def test_streaming_gives_what_a_bank_would() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(9, p, generator=generator, dtype=torch.float64) for p in (5, 3))
    probes = [torch.randn(p, generator=generator, dtype=torch.float64) for p in (5, 3)]
    parts = zip(first.split(4), second.split(4), strict=True)
    found = streamed_joint(parts, probes)
    for rows_EP, probe_P, joint_P in zip((first, second), probes, found, strict=True):
        expected_P = conflicting_mean(rows_EP, range(9), probe_P)
        torch.testing.assert_close(joint_P, expected_P)
        assert expected_P.abs().max() > 0
    assert [v.tolist() for v in streamed_joint([], probes)] == [[0.0] * 5, [0.0] * 3]
