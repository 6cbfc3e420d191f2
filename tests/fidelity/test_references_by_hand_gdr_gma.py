"""Single steps of both GDR-GMA references against answers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from .one_weight import Weights, one
from .references import gdr_gma

PLAIN: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rates": 0.1}

# at w = 0 the gradient of CE (label 0) is −x/2, so a = x_f/2 and d = −x_r/2, and every loss is log 2
A, D = torch.tensor([3.0, 1.0]).double(), torch.tensor([-1.0, 1.5]).double()  # <A, D> = −1.5
CONFLICT = [[(*one(*(2 * A).tolist()), *one(*(-2 * D).tolist()))]]
ONLY_FORGET: dict[str, Any] = {"epsilon": 1e3, **PLAIN}  # λ = 1
ONLY_RETAIN: dict[str, Any] = {"epsilon": -1e3, **PLAIN}  # λ = 0
INITIAL: dict[str, Any] = {"initial_batches": [one(1.0, 1.0)], "initial_mode": "eval"}


def moved(model: Any) -> Tensor:
    """The direction of a step from w = 0 at rate .1."""
    return -model.w.detach() / 0.1


def test_gdr_paper_projects_both_from_the_original_pair() -> None:
    for settings, expected in [
        (ONLY_FORGET, A + 1.5 / 3.25 * D),
        (ONLY_RETAIN, D + 1.5 / 10.0 * A),
    ]:
        direction = moved(gdr_gma.reference_paper(Weights(0.0, 0.0), CONFLICT, **INITIAL, **settings))
        torch.testing.assert_close(direction, expected, rtol=1e-13, atol=1e-14)


def test_gdr_paper_weighs_by_the_deviation_from_the_initial_loss() -> None:
    """No deviation at θ0: λ = 1/(1 + exp(−γ ε)); a and d do not conflict here."""
    steps = [[(*one(2.0, 0.0), *one(0.0, -2.0))]]
    settings: dict[str, Any] = {"gamma": 10.0, "epsilon": 0.1, **INITIAL, **PLAIN}
    direction = moved(gdr_gma.reference_paper(Weights(0.0, 0.0), steps, **settings))
    lam = 1 / (1 + math.exp(-1.0))
    torch.testing.assert_close(direction, torch.tensor([lam, 1 - lam]).double())


def test_gdr_paper_uses_the_bank_of_the_epoch_before() -> None:
    """At rate 0 the gradients stay; in epoch two d' is made orthogonal to the earlier a that conflicts."""
    first = [[(*one(2.0, 0.0), *one(0.0, 0.0))]]
    second = [[(*one(0.0, 0.0), *one(2.0, -2.0))]]  # d = (−1, 1), conflicts with a = (1, 0) of epoch one
    settings: dict[str, Any] = {**ONLY_RETAIN, "learning_rates": [0.0, 0.1], **INITIAL}
    direction = moved(gdr_gma.reference_paper(Weights(0.0, 0.0), first + second, **settings))
    torch.testing.assert_close(direction, torch.tensor([0.0, 1.0]).double())


def test_gdr_code_leaves_a_residual_conflict() -> None:
    cosine = float(A @ D / A.norm() / D.norm())
    for settings, orthogonal_to in [(ONLY_FORGET, None), (ONLY_RETAIN, A)]:
        result = gdr_gma.reference_code(Weights(0.0, 0.0), CONFLICT, bank_entry="raw", **settings)
        direction = moved(result)
        if orthogonal_to is None:
            left = float(direction @ D / direction.norm() / D.norm())
            assert left == pytest.approx(cosine**3 / math.sqrt(1 + cosine**2 - cosine**4), rel=1e-12)
        else:
            assert float(direction @ orthogonal_to) == pytest.approx(0.0, abs=1e-14)


def test_gdr_code_reads_the_bank_with_a_side_effect() -> None:
    bank = [torch.tensor(v).double() for v in ([-1.0, 0.0], [5.0, 0.0], [-3.0, 2.0])]
    at = torch.tensor([1.0, 0.0]).double()
    assert gdr_gma.read(bank, at).tolist() == [-2.0, 1.0]
    assert gdr_gma.read(bank, at).tolist() == [-3.5, 2.0]
    assert [b.tolist() for b in bank] == [[-7.0, 4.0], [5.0, 0.0], [-3.0, 2.0]]
    assert gdr_gma.read(bank[:1], at).tolist() == gdr_gma.read(bank[:1], at).tolist() == [-7.0, 4.0]
    assert gdr_gma.read(bank, torch.zeros(2).double()) is None


def test_gdr_code_turns_the_forget_gradient_away_from_the_bank() -> None:
    first = [(*one(-2.0, 0.0), *one(0.0, 0.0)), (*one(0.0, 2.0), *one(0.0, 0.0))]
    second = [(*one(2.0, 2.0), *one(0.0, 0.0))]  # a = (1, 1); the bank holds (0, 1) and (1, 1): no conflict
    third = [*first[:1], *second]  # now (−1, 0) is in the bank
    settings: dict[str, Any] = {**ONLY_FORGET, "bank_entry": "raw", "bank_size": 2}
    settings["learning_rates"] = [[0.0, 0.0], [0.0, 0.1]]
    result = gdr_gma.reference_code(
        Weights(0.0, 0.0), [first, second], **{**settings, "learning_rates": [0, 0.1]}
    )
    torch.testing.assert_close(moved(result), torch.tensor([1.0, 1.0]).double())
    result = gdr_gma.reference_code(Weights(0.0, 0.0), [first, third], **settings)
    torch.testing.assert_close(moved(result), torch.tensor([0.0, 1.0]).double())
