"""Bad Teacher: ours equals the reference in both readings; the reference's step is known in closed form."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from .closed_forms import PLAIN, X_F, X_R, Weights, one, sigmoid
from .harness import assert_equal, in_epochs, run
from .networks import NETS
from .references import bad_teacher

REDUCTIONS = {"paper": "batchmean", "code": "mean"}


def compare(kind: str, reading: str, optimizer: str) -> None:
    """Two epochs over forget and the same half of retain."""
    settings = {"epochs": 2, "batch_size": 4, "share": 0.5, "temperature": 2.0, "optimizer": optimizer}
    ours = run(f"bad_teacher@{reading}", kind, {**settings, "learning_rate": 0.01})
    steps, used = [], []
    for forget, retain in zip(ours.drawn[::2], ours.drawn[1::2], strict=True):
        assert (forget.set, retain.set) == ("forget", "retain")
        is_forget = torch.arange(len(forget.y) + len(retain.y)) < len(forget.y)
        steps.append((torch.cat([forget.x, retain.x]), is_forget))
        used.append(set(retain.index.tolist()))
    assert set().union(*used[:3]) == set().union(*used[3:])
    assert len(set().union(*used)) == 5
    (fresh,) = ours.fresh
    expected = bad_teacher.reference(
        ours.original(),
        in_epochs(steps, 3),
        bad_teacher=fresh,
        reduction=REDUCTIONS[reading],
        temperature=2.0,
        optimizer=ours.optimizer(),
        learning_rates=0.01,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "bad_teacher@paper": partial(compare, reading="paper", optimizer="sgd"),
    "bad_teacher@code": partial(compare, reading="code", optimizer="sgd"),
    "bad_teacher@paper: Adam": partial(compare, reading="paper", optimizer="adam"),
    "bad_teacher@code: Adam": partial(compare, reading="code", optimizer="adam"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


@pytest.mark.parametrize(("reduction", "divisor"), [("mean", 4), ("batchmean", 2)])
def test_a_step_moves_for_the_forget_sample_alone(reduction: str, divisor: int) -> None:
    """∂KL(t‖p)/∂w = (p − t) x; on the retain sample t = p at the start."""
    x = torch.cat([one(X_F)[0], one(X_R)[0]])
    settings: dict[str, Any] = {"bad_teacher": Weights(-3.0), "reduction": reduction, **PLAIN}
    result = bad_teacher.reference(Weights(1.0), [[(x, [True, False])]], **settings)
    push = (sigmoid(X_F) - sigmoid(-3.0 * X_F)) * X_F / divisor
    assert result.values() == pytest.approx([1.0 - 0.1 * push], rel=1e-12)
