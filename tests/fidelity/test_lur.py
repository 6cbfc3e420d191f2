"""LUR: ours equals the reference in both orders; the reference's step is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from .closed_forms import PAIR, PLAIN, X_F, X_R, Weights, curvature, loss, slope
from .harness import Run, assert_equal, in_epochs, paired, run
from .networks import NETS
from .references import lur
from .sets import fitted

SIZES = {"forget": 11, "retain": 14}  # 4 and 5 batches of 3, the last ones short
RATES = {"adamw": 0.002, "sgd": 0.01}  # ascent with second derivatives is wild


def wrong_labels(ours: Run) -> list[torch.Tensor]:
    """Return the labels of each forget batch: those drawn for it, or, drawn once, at first sight of a sample."""
    if ours.method.redraw == "batch":
        return [labels for _, _, labels in ours.labels]
    label_of: dict[int, int] = {}
    for _, index, labels in ours.labels:
        for i, label in zip(index.tolist(), labels.tolist(), strict=True):
            label_of.setdefault(i, label)
    return [torch.tensor([label_of[i] for i in b.index.tolist()]) for b in ours.drawn_from("forget")]


def compare(kind: str, order: str, forget_loss: str, optimizer: str = "sgd", **changes: Any) -> None:
    """Two passes over retain; the header of ours says that the forward at θ' moves copies of the statistics."""
    rate = RATES[optimizer]
    settings = {"epochs": 2, "batch_size": 3, "order": order, "forget_loss": forget_loss, "alpha": 0.1}
    settings |= {"optimizer": optimizer, "learning_rate": rate, **changes}
    ours = run("lur", kind, settings, sizes=SIZES, model=fitted(kind, SIZES))
    forget = ours.drawn_from("forget")
    assert len(forget) == 10, "the forget set is cycled"
    steps = paired(forget, ours.drawn_from("retain"))
    if forget_loss == "random_label":
        steps = [(x, y, *rest) for (x, _, *rest), y in zip(steps, wrong_labels(ours), strict=True)]
    expected = lur.reference(
        ours.original(),
        in_epochs(steps, 5),
        exact=order == "second",
        alpha=0.1,
        forget_loss=forget_loss,
        optimizer=ours.optimizer(),
        learning_rates=rate,
        outer_moves_buffers=False,
        mode="bn_eval" if changes.get("bn_mode") == "eval" else "train",
    )
    assert_equal(ours, expected)


SECOND, FIRST = partial(compare, order="second"), partial(compare, order="first")
COMPARISONS: dict[str, Callable[[str], None]] = {
    "lur: second": partial(SECOND, forget_loss="random_label"),
    "lur: second, ascent": partial(SECOND, forget_loss="neg_ce"),
    "lur: second, eval": partial(SECOND, forget_loss="neg_ce", bn_mode="eval"),
    "lur: first": partial(FIRST, forget_loss="random_label", redraw="once"),
    "lur: first, ascent": partial(FIRST, forget_loss="neg_ce", optimizer="adamw"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


@pytest.mark.parametrize(("forget_loss", "sign"), [("random_label", 1.0), ("neg_ce", -1.0)])
def test_a_step_in_closed_form(forget_loss: str, sign: float) -> None:
    settings: dict[str, Any] = {
        "alpha": 0.7,
        "forget_loss": forget_loss,
        "outer_moves_buffers": True,
        **PLAIN,
    }
    ahead = 1.0 - 0.7 * slope(1.0, X_R)
    v = sign * slope(ahead, X_F)
    result = lur.reference(Weights(1.0), PAIR, exact=True, **settings)
    exact = slope(1.0, X_R) + (1 - 0.7 * curvature(1.0, X_R)) * v
    assert result.values() == pytest.approx([1.0 - 0.1 * exact], rel=1e-13)
    result = lur.reference(Weights(1.0), PAIR, exact=False, **settings)
    assert result.values() == pytest.approx([1.0 - 0.1 * (slope(1.0, X_R) + v)], rel=1e-13)


def test_the_exact_step_is_the_gradient_of_its_objective() -> None:
    """Central difference of L_r(w) + 2 L_f(w − α L_r'(w))."""

    def objective(w: float) -> float:
        return loss(w, X_R) + 2.0 * loss(w - 0.7 * slope(w, X_R), X_F)

    settings: dict[str, Any] = {"alpha": 0.7, "forget_loss": "random_label", "outer_moves_buffers": False}
    result = lur.reference(Weights(1.0), PAIR, exact=True, balance=2.0, **settings, **PLAIN)
    g = (objective(1.0 + 1e-5) - objective(1.0 - 1e-5)) / 2e-5
    assert result.values() == pytest.approx([1.0 - 0.1 * g], rel=1e-9)
