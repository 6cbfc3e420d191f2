"""Methods that weigh a forget gradient against a retain gradient in every step equal their references."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.nn import functional

from .fitted import fitted
from .harness import NETS, Drawn, Run, assert_equal, epochs, run
from .mutations import Mutation
from .references import gdr_gma, lur, nabla_tau, neg_grad

METHOD = "reunlearn.unlearning.methods."
SIZES = {"forget": 11, "retain": 14}  # 4 and 5 batches of 3, the last ones short
RATES = {"adamw": 0.01, "sgd": 0.05}


def steps_of(forget: list[Drawn], retain: list[Drawn]) -> list[Any]:
    """Return (x_f, y_f, x_r, y_r) of each step."""
    return [(f.x, f.y, r.x, r.y) for f, r in zip(forget, retain, strict=True)]


def compare_gdr_gma(
    kind: str, reading: str, optimizer: str = "adamw", changes: dict[str, Any] | None = None, **told: Any
) -> None:
    """Three epochs of four pairs; `changes` to our settings, `told` to the reference.

    λ is moved into the middle of its range. Ours takes L0 in evaluation mode, forwards retain first, and its
    bank holds gradients before they are rectified.
    """
    steep = {"gamma": 2.0, "epsilon": 0.4}
    rate = RATES[optimizer]
    settings = {"epochs": 3, "batch_size": 3, "optimizer": optimizer, "learning_rate": rate, **steep}
    ours = run(f"gdr_gma@{reading}", kind, settings | (changes or {}), SIZES, model=fitted(kind, SIZES))
    first = [d for d in ours.of("retain") if not d.augmented]
    steps = epochs(steps_of(ours.of("forget"), ours.of("retain")[len(first) :]), 4)
    given = {"optimizer": ours.optimizer(), "learning_rates": rate, **steep, **told}
    original = copy.deepcopy(ours.before)
    if reading == "paper":
        told_order = {"forward_order": "retain_first"} | given
        whole = [ours.all("retain")]
        expected = gdr_gma.reference_paper(
            original, steps, initial_batches=whole, initial_mode="eval", **told_order
        )
    else:
        expected = gdr_gma.reference_code(original, steps, bank_entry="raw", **given)
    assert_equal(ours, expected)


def compare_neg_grad_of_table_1(kind: str, weight: float) -> None:
    """Fixed weights without rectification: the baseline NegGrad, as its own reference has it."""
    settings = {"epochs": 2, "batch_size": 3, "optimizer": "sgd", "learning_rate": 0.05}
    off = {"rectify": False, "bank": "off", "adapt": False, "fixed_weight": weight}
    ours = run("gdr_gma@paper", kind, settings | off, SIZES, model=fitted(kind, SIZES))
    expected = neg_grad.reference(
        copy.deepcopy(ours.before),
        epochs(steps_of(ours.of("forget"), ours.of("retain")), 4),
        optimizer=ours.optimizer(),
        learning_rates=0.05,
        forget_weight=weight,
        retain_weight=1 - weight,
    )
    assert_equal(ours, expected)


def compare_nabla_tau(
    kind: str, classes: str = "forget", changes: dict[str, Any] | None = None, **told: Any
) -> None:
    """Three passes over retain, 15 steps of which the last forget epoch has three; two classes are forgotten.

    The header states that decays end in the last step, and which validation samples L_v is taken over.
    """
    labels = {"forget": [0, 1] * 5 + [0]}
    settings = {"epochs": 3, "batch_size": 3, "learning_rate": 0.01, "validation_classes": classes}
    original = fitted(kind, SIZES, labels, steps=150)
    ours = run("nabla_tau", kind, settings | (changes or {}), SIZES, labels, original)
    passes = len([d for d in ours.of("forget") if not d.augmented])
    steps = steps_of(ours.of("forget")[passes:], ours.of("retain"))
    assert len(steps) == 15
    x, y = ours.all("validation")
    chosen = torch.tensor([classes == "all" or int(label) in (0, 1) for label in y])
    assert 0 < int(chosen.sum()) < len(y) or classes == "all"
    given = {"alpha": 5 / 3 * 11 / 25, "decays_end": "at_last_step", "learning_rate": 0.01} | told
    expected = nabla_tau.reference(
        copy.deepcopy(ours.before),
        [steps[i : i + 4] for i in range(0, 15, 4)],
        validation=[(x[chosen], y[chosen])],
        optimizer=ours.optimizer(),
        **given,
    )
    assert_equal(ours, expected)
    x, y = ours.all("forget")
    loss = functional.cross_entropy(ours.before.eval()(x), y)
    assert ours.logged[0]["target"] > loss.item(), "there is nothing to forget"


def compare_lur(kind: str, order: str, forget_loss: str, optimizer: str = "sgd", **changes: Any) -> None:
    """Two passes over retain; the header states that the forward at θ' moves copies of the statistics."""
    rate = RATES[optimizer] / 5  # ascent with second derivatives is wild
    settings = {"epochs": 2, "batch_size": 3, "order": order, "forget_loss": forget_loss, "alpha": 0.1}
    settings |= {"optimizer": optimizer, "learning_rate": rate, **changes}
    ours = run("lur", kind, settings, SIZES, model=fitted(kind, SIZES))
    reference = lur.reference_exact if order == "second" else lur.reference_first_order
    forget = ours.of("forget")
    assert len(forget) == 10, "the forget set is cycled"
    steps = steps_of(forget, ours.of("retain"))
    if forget_loss == "random_label":
        drawn = wrong_labels(ours)
        steps = [(x, y, *rest) for (x, _, *rest), y in zip(steps, drawn, strict=True)]
    expected = reference(
        copy.deepcopy(ours.before),
        epochs(steps, 5),
        alpha=0.1,
        forget_loss=forget_loss,
        optimizer=ours.optimizer(),
        learning_rates=rate,
        outer_moves_buffers=False,
        mode="bn_eval" if changes.get("bn_mode") == "eval" else "train",
    )
    assert_equal(ours, expected)


def wrong_labels(ours: Run) -> list[torch.Tensor]:
    """Return the labels of each forget batch: those drawn for it, or, drawn once, at first sight of a sample."""
    if ours.method.redraw == "batch":
        return [labels for _, _, labels in ours.labels]
    held: dict[int, int] = {}
    for _, index, labels in ours.labels:
        for i, label in zip(index.tolist(), labels.tolist(), strict=True):
            held.setdefault(i, label)
    return [torch.tensor([held[i] for i in d.index.tolist()]) for d in ours.of("forget")]


PAPER, CODE = partial(compare_gdr_gma, reading="paper"), partial(compare_gdr_gma, reading="code")
FORGET_FIRST = {"forward_order": "forget_first"}
COMPARISONS: dict[str, Callable[[str], None]] = {
    "gdr_gma@paper": PAPER,
    "gdr_gma@paper:sgd, forget first": partial(PAPER, optimizer="sgd", changes=FORGET_FIRST, **FORGET_FIRST),
    "gdr_gma@paper:not rectified": partial(PAPER, changes={"rectify": False}, rectify=False),
    "gdr_gma@paper:fixed weight": partial(
        PAPER, changes={"adapt": False, "fixed_weight": 0.3}, forget_weight=0.3
    ),
    "gdr_gma@paper:neg_grad": partial(compare_neg_grad_of_table_1, weight=0.3),
    "gdr_gma@paper:bank of the head": partial(PAPER, changes={"bank_scope": "head"}, bank_tensors=2),
    "gdr_gma@paper:bank of the last": partial(PAPER, changes={"bank_scope": "last"}, bank_tensors=1),
    "gdr_gma@code": CODE,
    "gdr_gma@code:sgd": partial(CODE, optimizer="sgd"),
    "gdr_gma@code:not rectified": partial(CODE, changes={"rectify": False}, rectify=False),
    "gdr_gma@code:fixed weight": partial(
        CODE, changes={"adapt": False, "fixed_weight": 0.3}, forget_weight=0.3
    ),
    "gdr_gma@code:bank of the head": partial(CODE, changes={"bank_scope": "head"}, bank_tensors=2),
    "nabla_tau": compare_nabla_tau,
    "nabla_tau@L_v over all": partial(compare_nabla_tau, classes="all"),
    "nabla_tau@L_v anew": partial(compare_nabla_tau, changes={"recompute_every": 2}, recompute_every=2),
    "nabla_tau@per forget epoch": partial(
        compare_nabla_tau, changes={"alpha_per": "forget_epoch"}, alpha_decay="per_forget_epoch"
    ),
    "nabla_tau@eval": partial(compare_nabla_tau, changes={"bn_mode": "eval"}, mode="bn_eval"),
    "nabla_tau@constant rate": partial(
        compare_nabla_tau, changes={"schedule": "constant"}, learning_rate_end=1.0
    ),
    "lur@second": partial(compare_lur, order="second", forget_loss="random_label"),
    "lur@second, ascent": partial(compare_lur, order="second", forget_loss="neg_ce"),
    "lur@second, eval": partial(compare_lur, order="second", forget_loss="neg_ce", bn_mode="eval"),
    "lur@first": partial(compare_lur, order="first", forget_loss="random_label", redraw="once"),
    "lur@first, ascent": partial(compare_lur, order="first", forget_loss="neg_ce", optimizer="adamw"),
}

GRADIENTS = "reunlearn.gradients."
MUTATIONS: dict[str, Mutation] = {
    "gdr_gma@paper": (
        GRADIENTS + "projection",
        "return unconflicted(a_P, d_P), unconflicted(d_P, a_P)",
        "return unconflicted(a_P, d_P), unconflicted(d_P, unconflicted(a_P, d_P))",
    ),
    "gdr_gma@paper:sgd, forget first": (METHOD + "gdr_gma", "if not forget_first:", "if True:"),
    "gdr_gma@paper:not rectified": (
        GRADIENTS + "rectification",
        "self._held_against_bank(new_d, chooses=d)",
        "self._held_against_bank(new_d, chooses=new_a)",
    ),
    "gdr_gma@paper:bank of the head": (
        GRADIENTS + "bank",
        "chosen_E @ rows_EP / chosen_E.sum().clamp(min=1)",
        "rows_EP.mean(dim=0)",
    ),
    "gdr_gma@code": (
        GRADIENTS + "projection",
        "conflict_share(a_P, d_P, torch.dot(d_P, d_P)) * rectified_d, rectified_d",
        "conflict_share(a_P, d_P, torch.dot(d_P, d_P)) * d_P, rectified_d",
    ),
    "gdr_gma@code:sgd": (METHOD + "gdr_gma", "-self.gamma * (deviation", "self.gamma * (deviation"),
    "gdr_gma@code:bank of the head": (
        GRADIENTS + "bank",
        "mean_P = _look(rows_EP, order, direction_P)",
        "mean_P = conflicting_mean(rows_EP, order, direction_P)",
    ),
    "nabla_tau": (METHOD + "nabla_tau", "torch.relu(target - forget_loss)", "(target - forget_loss)"),
    "lur@second": (METHOD + "lur", "p - self.alpha * g", "p + self.alpha * g"),
    "lur@first": (METHOD + "lur", "inner_gradient.detach() + outer", "inner_gradient.detach() - outer"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
