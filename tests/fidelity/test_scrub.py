"""SCRUB: ours equals the reference, with and without rewinding; the reference's loss is known in closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from .closed_forms import PLAIN, X_F, X_R, Weights, one, slope
from .harness import Run, assert_equal, run
from .networks import NETS
from .recording import Drawn
from .references import scrub

SETTINGS: dict[str, Any] = {"gamma": 0.9, "alpha": 0.5, "temperature": 4.0}


def expected_of(ours: Run, epochs: list[Any], rates: list[float], **rewind: Any) -> nn.Module:
    """Return the reference's model, with KL(teacher ‖ student) as in the paper's Eq. 1 and the released code."""
    return scrub.reference(
        ours.original(),
        epochs,
        msteps=2,
        kl_direction="teacher_student",
        optimizer=ours.optimizer(),
        learning_rates=rates,
        **SETTINGS,
        **rewind,
    )


def epochs_of(drawn: list[Drawn], count: int, ends: int) -> list[list[Any]]:
    """Return epochs of 2 forget batches (in the first two) and 3 retain batches; `ends` batches after each go."""
    epochs: list[list[Any]] = []
    rest = iter(drawn)
    for epoch in range(count):
        steps: list[Any] = []
        for _ in range(5 if epoch < 2 else 3):
            batch = next(rest)
            steps.append(("forget", batch.x) if batch.set == "forget" else ("retain", batch.x, batch.y))
        epochs.append(steps)
        assert all(len(next(rest).y) == 6 for _ in range(ends))
    return epochs


def compare_by_default(kind: str) -> None:
    """Four epochs: a tenth of the rate after the third; two with a forget pass."""
    sizes = {"epochs": 4, "forget_batch_size": 4, "batch_size": 4}
    ours = run("scrub", kind, {**sizes, "learning_rate": 0.01, **SETTINGS})
    assert_equal(ours, expected_of(ours, epochs_of(ours.drawn, 4, 0), [0.01, 0.01, 0.01, 0.001]))


def compare_rewinding(kind: str) -> None:
    """+R goes back to an epoch before the last; the original is no candidate."""
    sizes = {"epochs": 4, "forget_batch_size": 4, "batch_size": 4}
    steep = {"learning_rate": 1.0, "schedule": "constant"}
    labels = {"forget": [0, 0, 0, 1, 1, 1]}
    ours = run("scrub", kind, {**sizes, **steep, "rewind": True, **SETTINGS}, labels=labels, seed=1)
    x, y = ours.whole("validation")
    forgotten = y < 2
    held_out = (*ours.whole("forget"), x[forgotten], y[forgotten])
    assert_equal(ours, expected_of(ours, epochs_of(ours.drawn, 4, 1), [1.0] * 4, rewind=held_out))
    assert 1 < ours.logged[-1]["rewound_to"] < 4


COMPARISONS = {"scrub": compare_by_default, "scrub: rewinding": compare_rewinding}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


@pytest.mark.parametrize("kl_direction", ["teacher_student", "student_teacher"])
def test_the_first_step_starts_where_the_divergence_is_flat(kl_direction: str) -> None:
    """Student = teacher: no push in the first forget step, only γ·CE in the first retain step."""
    steps: list[list[Any]] = [[("forget", one(X_F)[0]), ("retain", *one(X_R))]]
    settings: dict[str, Any] = {"gamma": 0.5, "alpha": 3.0, "temperature": 2.0, **PLAIN}
    result = scrub.reference(Weights(1.0), steps, msteps=1, kl_direction=kl_direction, **settings)
    assert result.values() == pytest.approx([1.0 - 0.1 * 0.5 * slope(1.0, X_R)], rel=1e-12)


def test_the_distance_in_closed_form() -> None:
    student = torch.tensor([[2 * math.log(3.0), 0.0]], dtype=torch.float64)  # tempered: 3/4, 1/4
    teacher = torch.zeros(1, 2, dtype=torch.float64)  # 1/2, 1/2
    forward = 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    backward = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert float(scrub.distance(student, teacher, 2.0, "teacher_student")) == pytest.approx(4 * forward)
    assert float(scrub.distance(student, teacher, 2.0, "student_teacher")) == pytest.approx(4 * backward)
