"""GDR-GMA: ours equals the references in both readings; single steps of the references in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from .closed_forms import PLAIN, Weights, direction, one
from .harness import assert_equal, in_epochs, paired, run
from .networks import NETS
from .references import gdr_gma, neg_grad
from .sets import fitted

SIZES = {"forget": 11, "retain": 14}  # 4 and 5 batches of 3, the last ones short
RATES = {"adamw": 0.01, "sgd": 0.05}
STEEP = {"gamma": 2.0, "epsilon": 0.4}  # λ moves in the middle of its range


def compare(
    kind: str,
    reading: str,
    optimizer: str = "adamw",
    changes: dict[str, Any] | None = None,
    **reference_settings: Any,
) -> None:
    """Three epochs of four pairs; `changes` to our settings, `reference_settings` to the reference.

    Ours takes L0 in evaluation mode, forwards retain first, and its bank holds gradients before they are rectified.
    """
    rate = RATES[optimizer]
    settings = {"epochs": 3, "batch_size": 3, "optimizer": optimizer, "learning_rate": rate, **STEEP}
    settings |= changes or {}
    ours = run(f"gdr_gma@{reading}", kind, settings, sizes=SIZES, model=fitted(kind, SIZES))
    retain = ours.drawn_from("retain")
    first = [batch for batch in retain if not batch.augmented]  # for L0
    epochs = in_epochs(paired(ours.drawn_from("forget"), retain[len(first) :]), 4)
    given = {"optimizer": ours.optimizer(), "learning_rates": rate, **STEEP}
    if reading == "paper":
        given |= {"forward_order": "retain_first", "initial_mode": "eval"}
        given |= {"initial_batches": [ours.whole("retain")]}
    reference = {"paper": gdr_gma.reference_paper, "code": gdr_gma.reference_code}[reading]
    assert_equal(ours, reference(ours.original(), epochs, **{**given, **reference_settings}))


def compare_neg_grad_of_table_1(kind: str, weight: float) -> None:
    """Fixed weights without rectification: the baseline NegGrad, as its own reference has it."""
    settings = {"epochs": 2, "batch_size": 3, "optimizer": "sgd", "learning_rate": 0.05}
    settings |= {"rectify": False, "bank": "off", "adapt": False, "fixed_weight": weight}
    ours = run("gdr_gma@paper", kind, settings, sizes=SIZES, model=fitted(kind, SIZES))
    expected = neg_grad.reference(
        ours.original(),
        in_epochs(paired(ours.drawn_from("forget"), ours.drawn_from("retain")), 4),
        optimizer=ours.optimizer(),
        learning_rates=0.05,
        forget_weight=weight,
        retain_weight=1 - weight,
    )
    assert_equal(ours, expected)


PAPER, CODE = partial(compare, reading="paper"), partial(compare, reading="code")
FORGET_FIRST = {"forward_order": "forget_first"}
FIXED = {"adapt": False, "fixed_weight": 0.3}
COMPARISONS: dict[str, Callable[[str], None]] = {
    "gdr_gma@paper": PAPER,
    "gdr_gma@paper: sgd, forget first": partial(PAPER, optimizer="sgd", changes=FORGET_FIRST, **FORGET_FIRST),
    "gdr_gma@paper: not rectified": partial(PAPER, changes={"rectify": False}, rectify=False),
    "gdr_gma@paper: fixed weight": partial(PAPER, changes=FIXED, forget_weight=0.3),
    "gdr_gma@paper: neg_grad": partial(compare_neg_grad_of_table_1, weight=0.3),
    "gdr_gma@paper: bank of the head": partial(PAPER, changes={"bank_scope": "head"}, bank_tensors=2),
    "gdr_gma@paper: bank of the last": partial(PAPER, changes={"bank_scope": "last"}, bank_tensors=1),
    "gdr_gma@code": CODE,
    "gdr_gma@code: sgd": partial(CODE, optimizer="sgd"),
    "gdr_gma@code: not rectified": partial(CODE, changes={"rectify": False}, rectify=False),
    "gdr_gma@code: fixed weight": partial(CODE, changes=FIXED, forget_weight=0.3),
    "gdr_gma@code: bank of the head": partial(CODE, changes={"bank_scope": "head"}, bank_tensors=2),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


# at w = 0 the gradient of CE (label 0) is −x/2, so a = x_f/2 and d = −x_r/2, and every loss is log 2
A, D = torch.tensor([3.0, 1.0]).double(), torch.tensor([-1.0, 1.5]).double()  # <A, D> = −1.5
CONFLICT = [[(*one(*(2 * A).tolist()), *one(*(-2 * D).tolist()))]]
ONLY_FORGET: dict[str, Any] = {"epsilon": 1e3, **PLAIN}  # λ = 1
ONLY_RETAIN: dict[str, Any] = {"epsilon": -1e3, **PLAIN}  # λ = 0
INITIAL: dict[str, Any] = {"initial_batches": [one(1.0, 1.0)], "initial_mode": "eval"}


def test_the_paper_projects_both_from_the_original_pair() -> None:
    for settings, expected in [
        (ONLY_FORGET, A + 1.5 / 3.25 * D),
        (ONLY_RETAIN, D + 1.5 / 10.0 * A),
    ]:
        result = gdr_gma.reference_paper(Weights(0.0, 0.0), CONFLICT, **INITIAL, **settings)
        torch.testing.assert_close(direction(result), expected, rtol=1e-13, atol=1e-14)


def test_the_paper_weighs_by_the_deviation_from_the_initial_loss() -> None:
    """No deviation at θ0: λ = 1/(1 + exp(−γ ε)); a and d do not conflict here."""
    steps = [[(*one(2.0, 0.0), *one(0.0, -2.0))]]
    settings: dict[str, Any] = {"gamma": 10.0, "epsilon": 0.1, **INITIAL, **PLAIN}
    result = gdr_gma.reference_paper(Weights(0.0, 0.0), steps, **settings)
    lam = 1 / (1 + math.exp(-1.0))
    torch.testing.assert_close(direction(result), torch.tensor([lam, 1 - lam]).double())


def test_the_paper_uses_the_bank_of_the_epoch_before() -> None:
    """At rate 0 the gradients stay; in epoch two d' is made orthogonal to the earlier a that conflicts."""
    first = [[(*one(2.0, 0.0), *one(0.0, 0.0))]]
    second = [[(*one(0.0, 0.0), *one(2.0, -2.0))]]  # d = (−1, 1), conflicts with a = (1, 0) of epoch one
    settings: dict[str, Any] = {**ONLY_RETAIN, "learning_rates": [0.0, 0.1], **INITIAL}
    result = gdr_gma.reference_paper(Weights(0.0, 0.0), first + second, **settings)
    torch.testing.assert_close(direction(result), torch.tensor([0.0, 1.0]).double())


def test_the_code_leaves_a_residual_conflict() -> None:
    cosine = float(A @ D / A.norm() / D.norm())
    only_forget, only_retain = (
        direction(gdr_gma.reference_code(Weights(0.0, 0.0), CONFLICT, **settings))
        for settings in (ONLY_FORGET, ONLY_RETAIN)
    )
    left = float(only_forget @ D / only_forget.norm() / D.norm())
    assert left == pytest.approx(cosine**3 / math.sqrt(1 + cosine**2 - cosine**4), rel=1e-12)
    assert float(only_retain @ A) == pytest.approx(0.0, abs=1e-14)


def test_the_code_reads_the_bank_with_a_side_effect() -> None:
    bank = [torch.tensor(v).double() for v in ([-1.0, 0.0], [5.0, 0.0], [-3.0, 2.0])]
    at = torch.tensor([1.0, 0.0]).double()
    assert gdr_gma.read(bank, at).tolist() == [-2.0, 1.0]
    assert gdr_gma.read(bank, at).tolist() == [-3.5, 2.0]
    assert [b.tolist() for b in bank] == [[-7.0, 4.0], [5.0, 0.0], [-3.0, 2.0]]
    assert gdr_gma.read(bank[:1], at).tolist() == gdr_gma.read(bank[:1], at).tolist() == [-7.0, 4.0]
    assert gdr_gma.read(bank, torch.zeros(2).double()) is None


def test_the_code_turns_the_forget_gradient_away_from_the_bank() -> None:
    first = [(*one(-2.0, 0.0), *one(0.0, 0.0)), (*one(0.0, 2.0), *one(0.0, 0.0))]
    second = [(*one(2.0, 2.0), *one(0.0, 0.0))]  # a = (1, 1); the bank holds (0, 1) and (1, 1): no conflict
    third = [*first[:1], *second]  # now (−1, 0) is in the bank
    settings: dict[str, Any] = {**ONLY_FORGET, "bank_size": 2}
    for epochs, rates, expected in [
        ([first, second], [0.0, 0.1], [1.0, 1.0]),
        ([first, third], [[0.0, 0.0], [0.0, 0.1]], [0.0, 1.0]),
    ]:
        result = gdr_gma.reference_code(Weights(0.0, 0.0), epochs, **{**settings, "learning_rates": rates})
        torch.testing.assert_close(direction(result), torch.tensor(expected).double())
