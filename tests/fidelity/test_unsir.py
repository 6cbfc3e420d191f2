"""UNSIR: ours equals the reference, whose noise and steps are known in closed form."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from .closed_forms import PLAIN, X_F, X_R, Weights, one, slope
from .harness import assert_equal, run
from .networks import NETS
from .references import unsir


def compare(kind: str, mode: str) -> None:
    """Noise against one class, four images copied twice; three retain samples of each other class."""
    noise_settings = {"noise_steps": 4, "noise_images": 4, "noise_copies": 2, "noise_mode": mode}
    sizes = {"samples_per_class": 3, "batch_size": 5, "repair_batch_size": 4, "repair_learning_rate": 3e-4}
    labels = {"forget": [1] * 6, "retain": [0, 2, 2, 0, 2, 2, 0, 0, 2, 2, 2]}
    ours = run(
        "unsir", kind, {**noise_settings, **sizes}, labels=labels, scenario={"kind": "class", "classes": [1]}
    )
    (noise,), (order, _) = ours.draws("randn"), ours.draws("randperm")
    # after all of retain for its labels, and one image for its shape
    drawn = [batch for batch in ours.drawn if batch.set == "retain"][2:]
    impair: list[Any] = []
    for rows, retain in zip(order.split(5), drawn, strict=False):
        noisy = rows[rows < 8] % 4
        assert len(noisy) + len(retain.y) == len(rows)
        impair.append(("impair", retain.x, retain.y, noisy))
    repair: list[Any] = [("repair", batch.x, batch.y) for batch in drawn[len(impair) :]]
    first_three = {6, 9, 12, 7, 8, 10}  # of classes 0 and 2, by index
    assert {int(i) for batch in drawn for i in batch.index} == first_three and len(repair) == 2
    expected = unsir.reference(
        ours.original(),
        [impair, repair],
        noise=noise,
        noise_labels=torch.ones(4, dtype=torch.int64),
        noise_mode=mode,
        noise_steps=4,
        noise_penalty=0.1,
        optimizer=ours.optimizer(),
        learning_rates=[1e-4, 3e-4],
    )
    assert_equal(ours, expected)


COMPARISONS = {"unsir": partial(compare, mode="train"), "unsir: eval": partial(compare, mode="eval")}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


@pytest.mark.parametrize(("penalty", "moved"), [(0.0, 0.4), (-9.0, 0.6)])
def test_the_noise_moves_against_the_weight(penalty: float, moved: float) -> None:
    """Adam's first step is .1 · sign; the gradient of −CE by the input has the sign of w (label 0)."""
    noise, labels = torch.tensor([[0.5]], dtype=torch.float64), torch.tensor([0])
    settings: dict[str, Any] = {"noise_steps": 1, "noise_penalty": penalty, "noise_mode": "eval"}
    learned = unsir.learned_noise(Weights(2.0), noise, labels, **settings)
    assert float(learned) == pytest.approx(moved, abs=1e-7)


def test_steps_train_on_noise_and_samples_then_on_samples() -> None:
    noise, labels = torch.tensor([[0.5], [X_F]], dtype=torch.float64), torch.tensor([1, 1])
    steps: list[list[Any]] = [[("impair", *one(X_R), [1])], [("repair", *one(X_R))]]
    settings: dict[str, Any] = {"noise": noise, "noise_labels": labels, "noise_mode": "eval", **PLAIN}
    result = unsir.reference(Weights(1.0), steps, noise_steps=0, **settings)
    w = 1.0 - 0.1 * (slope(1.0, X_R) + slope(1.0, X_F, label=1)) / 2
    assert result.values() == pytest.approx([w - 0.1 * slope(w, X_R)], rel=1e-13)
