"""SCRUB, Bad Teacher and UNSIR equal their references."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from .harness import NETS, Drawn, Run, assert_equal, epochs, run
from .mutations import Mutation
from .references import bad_teacher, scrub, unsir

METHOD = "reunlearn.unlearning.methods."
SCRUB: dict[str, Any] = {"gamma": 0.9, "alpha": 0.5, "temperature": 4.0}


def scrub_reference(ours: Run, steps: list[Any], rates: list[float], **more: Any) -> nn.Module:
    """KL(teacher ‖ student), as in the paper's Eq. 1 and the released code."""
    return scrub.reference(
        copy.deepcopy(ours.before),
        steps,
        msteps=2,
        kl_direction="teacher_student",
        optimizer=ours.optimizer(),
        learning_rates=rates,
        **{**SCRUB, **more},
    )


def scrub_epochs(drawn: list[Drawn], count: int, ends: int) -> list[list[Any]]:
    """Epochs of 2 forget batches (in the first two) and 3 retain batches, `ends` batches after each left out."""
    found: list[list[Any]] = []
    rest = iter(drawn)
    for epoch in range(count):
        taken = [next(rest) for _ in range(5 if epoch < 2 else 3)]
        steps: list[Any] = []
        for d in taken:
            steps.append(("forget", d.x) if d.set == "forget" else ("retain", d.x, d.y))
        found.append(steps)
        assert all(len(next(rest).y) == 6 for _ in range(ends))
    return found


def compare_scrub(kind: str) -> None:
    """Four epochs: a tenth of the rate after the third; two with a forget pass."""
    chosen = {"epochs": 4, "forget_batch_size": 4, "batch_size": 4, "learning_rate": 0.01, **SCRUB}
    ours = run("scrub", kind, chosen)
    steps = scrub_epochs(ours.drawn, 4, 0)
    assert_equal(ours, scrub_reference(ours, steps, [0.01, 0.01, 0.01, 0.001]))


def compare_rewinding(kind: str) -> None:
    """+R goes back to an epoch before the last; the original is no candidate."""
    chosen = {"epochs": 4, "forget_batch_size": 4, "batch_size": 4, "rewind": True, **SCRUB}
    labels = {"forget": [0, 0, 0, 1, 1, 1]}
    steep = {"learning_rate": 1.0, "schedule": "constant"}
    ours = run("scrub", kind, {**chosen, **steep}, labels=labels, seed=1)
    steps = scrub_epochs(ours.drawn, 4, 1)
    x, y = ours.all("validation")
    forgotten = y < 2
    held_out = (*ours.all("forget"), x[forgotten], y[forgotten])
    assert_equal(ours, scrub_reference(ours, steps, [1.0] * 4, rewind=held_out))
    assert 1 < ours.logged[-1]["rewound_to"] < 4


def compare_bad_teacher(kind: str, reading: str, optimizer: str) -> None:
    """Two epochs over forget and the same half of retain."""
    chosen = {"epochs": 2, "batch_size": 4, "share": 0.5, "temperature": 2.0, "optimizer": optimizer}
    ours = run(f"bad_teacher@{reading}", kind, {**chosen, "learning_rate": 0.01})
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
        copy.deepcopy(ours.before),
        epochs(steps, 3),
        bad_teacher=fresh,
        reduction="batchmean" if reading == "paper" else "mean",
        temperature=2.0,
        optimizer=ours.optimizer(),
        learning_rates=0.01,
    )
    assert_equal(ours, expected)


def compare_unsir(kind: str, mode: str) -> None:
    """Noise against one class, four images copied twice; three retain samples of each other class."""
    chosen = {
        "noise_steps": 4,
        "noise_images": 4,
        "noise_copies": 2,
        "samples_per_class": 3,
        "noise_mode": mode,
    }
    sizes = {"batch_size": 5, "repair_batch_size": 4, "repair_learning_rate": 3e-4}
    labels = {"forget": [1] * 6, "retain": [0, 2, 2, 0, 2, 2, 0, 0, 2, 2, 2]}
    ours = run("unsir", kind, {**chosen, **sizes}, labels=labels, scenario={"kind": "class"})
    (noise,), (order, _) = ours.randoms("randn"), ours.randoms("randperm")
    # after all of retain for its labels, and one image for its shape
    drawn = [d for d in ours.drawn if d.set == "retain"][2:]
    impair: list[Any] = []
    for rows, retain in zip(order.split(5), drawn, strict=False):
        noisy = rows[rows < 8] % 4
        assert len(noisy) + len(retain.y) == len(rows)
        impair.append(("impair", retain.x, retain.y, noisy))
    repair: list[Any] = [("repair", d.x, d.y) for d in drawn[len(impair) :]]
    first_three = {6, 9, 12, 7, 8, 10}  # of classes 0 and 2, by index
    assert {int(i) for d in drawn for i in d.index} == first_three and len(repair) == 2
    expected = unsir.reference(
        copy.deepcopy(ours.before),
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


COMPARISONS = {
    "scrub": compare_scrub,
    "scrub@rewinding": compare_rewinding,
    "bad_teacher@paper": lambda kind: compare_bad_teacher(kind, "paper", "sgd"),
    "bad_teacher@code": lambda kind: compare_bad_teacher(kind, "code", "sgd"),
    "bad_teacher@paper, Adam": lambda kind: compare_bad_teacher(kind, "paper", "adam"),
    "bad_teacher@code, Adam": lambda kind: compare_bad_teacher(kind, "code", "adam"),
    "unsir": lambda kind: compare_unsir(kind, "train"),
    "unsir@eval": lambda kind: compare_unsir(kind, "eval"),
}

MUTATIONS: dict[str, Mutation] = {
    "scrub": (METHOD + "scrub", "divergence(teacher_BK, student_BK,", "divergence(student_BK, teacher_BK,"),
    "scrub@rewinding": (METHOD + "scrub", "abs(error - wanted)", "error"),
    "bad_teacher@paper": (
        METHOD + "bad_teacher",
        "((bad, forget), (good, retain))",
        "((good, forget), (bad, retain))",
    ),
    "bad_teacher@code": (METHOD + "bad_teacher", 'self.reading == "code"', "False"),
    "unsir": (METHOD + "unsir", "-task.loss(model, batch)", "task.loss(model, batch)"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
