"""Methods of one loop over batches equal their references."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from .harness import NETS, Run, assert_equal, epochs, run
from .mutations import Mutation
from .references import finetune, gradient_ascent, l1_sparse, neg_grad, neg_grad_plus

METHOD = "reunlearn.unlearning.methods."


def labelled(ours: Run, name: str) -> list[Any]:
    """The batches of a set as (x, y)."""
    return [(d.x, d.y) for d in ours.of(name)]


def compare_finetune(kind: str) -> None:
    """Three batches an epoch, augmented, cosine over the epochs."""
    ours = run("finetune", kind, {"epochs": 3, "batch_size": 4, "schedule": "cosine"})
    assert all(d.augmented for d in ours.drawn)
    expected = finetune.reference(
        copy.deepcopy(ours.before),
        epochs(labelled(ours, "retain"), 3),
        optimizer=ours.optimizer(),
        learning_rates=[0.01 * (1 + math.cos(math.pi * e / 3)) / 2 for e in range(3)],
    )
    assert_equal(ours, expected)


def compare_finetune_adamw(kind: str) -> None:
    """AdamW, BatchNorm frozen."""
    settings = {"epochs": 2, "batch_size": 4, "optimizer": "adamw", "learning_rate": 1e-3, "bn_mode": "eval"}
    ours = run("finetune", kind, settings)
    expected = finetune.reference(
        copy.deepcopy(ours.before),
        epochs(labelled(ours, "retain"), 3),
        optimizer=ours.optimizer(),
        learning_rates=1e-3,
        mode="bn_eval",
    )
    assert_equal(ours, expected)


def compare_ascent(kind: str) -> None:
    """As Unlearn-Saliency has it."""
    ours = run("gradient_ascent", kind, {"epochs": 2, "batch_size": 4})
    expected = gradient_ascent.reference(
        copy.deepcopy(ours.before),
        epochs(labelled(ours, "forget"), 2),
        optimizer=ours.optimizer(),
        learning_rates=1e-4,
    )
    assert_equal(ours, expected)


def compare_ascent_clipped(kind: str) -> None:
    """As SFR-on has it: the network in evaluation mode, the gradient's norm at most 0.1."""
    ours = run("gradient_ascent", kind, {"epochs": 2, "batch_size": 4, "bn_mode": "network", "clip": 0.1})
    settings: dict[str, Any] = {"optimizer": ours.optimizer(), "learning_rates": 1e-4, "mode": "eval"}
    batches = epochs(labelled(ours, "forget"), 2)
    assert_equal(
        ours, gradient_ascent.reference(copy.deepcopy(ours.before), batches, clip_norm=0.1, **settings)
    )
    with pytest.raises(AssertionError):  # the norm is above 0.1 somewhere
        assert_equal(ours, gradient_ascent.reference(copy.deepcopy(ours.before), batches, **settings))


def compare_neg_grad(kind: str) -> None:
    """Two epochs of two pairs; the header states the order of the forwards."""
    settings = {"epochs": 2, "batch_size": 3, "forget_weight": 0.4, "retain_weight": 0.6}
    ours = run("neg_grad", kind, settings)
    pairs = zip(ours.of("forget"), ours.of("retain"), strict=True)
    expected = neg_grad.reference(
        copy.deepcopy(ours.before),
        epochs([(f.x, f.y, r.x, r.y) for f, r in pairs], 2),
        optimizer=ours.optimizer(),
        learning_rates=1e-4,
        forget_weight=0.4,
        retain_weight=0.6,
    )
    assert_equal(ours, expected)


def compare_neg_grad_plus(kind: str, cycle: str = "repeat") -> None:
    """Three retain batches an epoch beside two of forget, of which the first comes again or a third is new."""
    settings = {"epochs": 2, "batch_size": 4, "forget_batch_size": 3, "alpha": 0.7, "cycle": cycle}
    ours = run("neg_grad_plus", kind, settings)
    forget = epochs(labelled(ours, "forget"), 2 if cycle == "repeat" else 3)
    retain = epochs(labelled(ours, "retain"), 3)
    expected = neg_grad_plus.reference(
        copy.deepcopy(ours.before),
        [neg_grad_plus.cycled(f, r) for f, r in zip(forget, retain, strict=True)],
        alpha=0.7,
        optimizer=ours.optimizer(),
        learning_rates=0.01,
    )
    assert_equal(ours, expected)


def compare_l1(kind: str) -> None:
    """The penalty falls over two epochs and is gone in the third."""
    settings = {"epochs": 3, "batch_size": 4, "alpha": 0.01, "free_epochs": 1}
    ours = run("l1_sparse", kind, settings)
    expected = l1_sparse.reference(
        copy.deepcopy(ours.before),
        epochs(labelled(ours, "retain"), 3),
        alpha=0.01,
        no_l1_epochs=1,
        optimizer=ours.optimizer(),
        learning_rates=0.01,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "finetune": compare_finetune,
    "finetune@AdamW": compare_finetune_adamw,
    "gradient_ascent": compare_ascent,
    "gradient_ascent@clipped": compare_ascent_clipped,
    "neg_grad": compare_neg_grad,
    "neg_grad_plus": compare_neg_grad_plus,
    "neg_grad_plus@reshuffled": lambda kind: compare_neg_grad_plus(kind, "reshuffle"),
    "l1_sparse": compare_l1,
}

MUTATIONS: dict[str, Mutation] = {
    "finetune": ("reunlearn.unlearning.gradient", "            schedule.step()", "            pass"),
    "finetune@AdamW": ("reunlearn.unlearning.gradient", "            module.eval()", "            pass"),
    "gradient_ascent": (METHOD + "gradient_ascent", "(-loss).backward()", "loss.backward()"),
    "gradient_ascent@clipped": (METHOD + "gradient_ascent", "            model.eval()", "            pass"),
    "neg_grad": (METHOD + "neg_grad", "- self.forget_weight", "+ self.forget_weight"),
    "neg_grad_plus": (METHOD + "neg_grad_plus", "(1 - self.alpha)", "self.alpha"),
    "l1_sparse": (METHOD + "l1_sparse", '"decaying": 1 - done', '"decaying": 1.0'),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_the_order_of_the_forwards_of_neg_grad_shows() -> None:
    """Only BatchNorm's running statistics tell which batch came first."""
    ours = run("neg_grad", "small_conv", {"epochs": 1, "batch_size": 3})
    pairs = zip(ours.of("forget"), ours.of("retain"), strict=True)
    steps = [[(f.x, f.y, r.x, r.y) for f, r in pairs]]
    settings: dict[str, Any] = {"optimizer": ours.optimizer(), "learning_rates": 1e-4}
    other = neg_grad.reference(copy.deepcopy(ours.before), steps, forward_order="forget_first", **settings)
    with pytest.raises(AssertionError):
        assert_equal(ours, other)
