"""SalUn, SFR-on, selective amnesia and LUR on a U-Net: ours equals the reference, and a fault in ours is noticed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fidelity.generators.references import lur, salun, selective_amnesia, sfr_on
from tests.fidelity.generators.runs import CLASSES, FORGOTTEN, TIMESTEPS, Run, assert_equal, plain, run
from tests.fidelity.mutations import Mutation, is_noticed

METHOD = "reunlearn.unlearning.methods."
RATE, LARGE = 1e-3, 1e9
PIXELS = 64


def taught(ours: Run) -> list[Any]:
    """Return (forget draw, pseudo labels, remain draw) of each step of a method that pairs batches in one."""
    steps = []
    for batch, draw in ours.step_draws:
        forget = int((batch.y == FORGOTTEN).sum())
        assert draw.taught is not None
        pseudo = draw.taught[:forget]
        steps.append((plain(batch, draw, slice(forget)), pseudo, plain(batch, draw, slice(forget, None))))
    return steps


def compare_salun(kind: str = "") -> None:
    """Guided masks clipped per batch, the next class, clip before the mask; mean losses."""
    settings = {
        "epochs": 2,
        "batch_size": 3,
        "learning_rate": RATE,
        "label_rule": "next_label",
        "order": "paired",
        "retain_weight": 3.0,
        "clip": 0.01,
        "mask_clip": 1.0,
        "fraction": 0.5,
    }
    ours = run("salun@code", settings, mask_guidance=2.0)
    expected = salun.salun(
        ours.before,
        ours.kept,
        ours.mask_draws,
        taught(ours),
        null=CLASSES,
        guidance=2.0,
        fraction=0.5,
        alpha=3.0 / PIXELS,
        lr=RATE,
        clip_norm=0.01,
    )
    # the reference's mask is of sum losses: the same order of scores, unless a batch's gradient is clipped
    assert_equal(ours, expected)


def compare_sfr_on(kind: str = "", clip: float = LARGE) -> None:
    """The released form: sum losses, one Adam for both steps, weights normalised over the batch."""
    settings = {
        "steps": 4,
        "batch_size": 3,
        "learning_rate": RATE,
        "schedule": "constant",
        "inner_period": 1,
        "ascent": 10.0,
        "clip": clip,
        "forget_clip": clip,
        "mask_clip": clip,
    }
    ours = run("sfr_on@code", settings, loss_of="sum", mask_guidance=2.0)
    steps = ours.step_draws
    of_forget = [bool((y == FORGOTTEN).all()) for _, _, _, y in ours.mask_draws]
    masks = {
        side: [d for d, f in zip(ours.mask_draws, of_forget, strict=True) if f == side]
        for side in (True, False)
    }
    assert len(steps) == 8
    expected = sfr_on.sfr_on(
        ours.before,
        ours.kept,
        masks[True],
        masks[False],
        [(plain(*steps[i]), plain(*steps[i + 1])) for i in range(0, 8, 2)],
        null=CLASSES,
        guidance=2.0,
        gamma=1.0,
        adaptivity=0.5,
        forget_weight=10.0,
        schedule="cosine",
        lr=RATE,
        clip_norm=clip,
    )
    assert_equal(ours, expected)


def compare_selective_amnesia(kind: str = "") -> None:
    """Fisher over all timesteps of its own samples, surrogate and replay; the penalty has no half."""
    settings = {
        "steps": 3,
        "batch_size": 3,
        "learning_rate": RATE,
        "samples": 2,
        "sample_steps": 4,
        "fisher_samples": 2,
        "fisher_batch": 7,
        "clip": LARGE,
        "elasticity": 10.0,
    }
    noises: list[torch.Tensor] = []
    rows: list[tuple[torch.Tensor, int]] = []
    module = __import__(METHOD + "selective_amnesia", fromlist=["Draw"])
    ours_draw = module.Draw

    def noted(noise: torch.Tensor, timestep: torch.Tensor, label: torch.Tensor) -> Any:
        noises.append(noise)
        return ours_draw(noise, timestep, label)

    whole: list[Any] = []
    fisher = module.SelectiveAmnesia.fisher

    def with_replay(self: Any, model: Any, objective: Any, replay: Any, task: Any) -> Any:
        whole.append(replay)
        return fisher(self, model, objective, replay, task)

    module.Draw, module.SelectiveAmnesia.fisher = noted, with_replay
    try:
        ours = run("selective_amnesia", settings, loss_of="sum")
    finally:
        module.Draw, module.SelectiveAmnesia.fisher = ours_draw, fisher
    (replay,) = whole
    per_sample = -(-TIMESTEPS // 7)
    rows = [(replay.x[i].double(), int(replay.y[i])) for i in range(len(replay))]
    samples = [
        (x, y, torch.cat(noises[i * per_sample : (i + 1) * per_sample]).double())
        for i, (x, y) in enumerate(rows)
    ]
    assert all(noise.shape == (TIMESTEPS, 1, 8, 8) for _, _, noise in samples)
    steps = ours.step_draws
    expected = selective_amnesia.selective_amnesia(
        ours.before,
        ours.kept,
        selective_amnesia.selective_amnesia_fisher(ours.before, ours.kept, samples, chunks=4),
        [(plain(*steps[i]), plain(*steps[i + 1])) for i in range(0, len(steps), 2)],
        gamma=1.0,
        lam=10.0,
        lr=RATE,
        clip_norm=LARGE,
    )
    for batch, _ in steps[::2]:
        assert (batch.y == FORGOTTEN).all() and batch.x.abs().max() <= 1
    for batch, _ in steps[1::2]:
        assert (batch.y != FORGOTTEN).all()
    assert_equal(ours, expected)


def compare_lur(kind: str = "", order: str = "second") -> None:
    """SalUn's forget loss one retain step ahead; the exact gradient by a product with the Hessian."""
    settings = {
        "epochs": 2,
        "batch_size": 3,
        "learning_rate": RATE,
        "alpha": 0.05,
        "order": order,
        "label_rule": "next_label",
        "pairing": "forget",
        "retain_weight": 3.0,
        "clip": 0.0,
    }
    ours = run("lur", settings)
    steps = ours.step_draws
    found = []
    for i in range(0, len(steps), 2):
        pair = sorted(steps[i : i + 2], key=lambda step: step[1].taught is None)
        (forget, forget_draw), (retain, retain_draw) = pair
        found.append((plain(forget, forget_draw), forget_draw.taught, plain(retain, retain_draw)))
    expected = lur.lur(ours.before, ours.kept, found, alpha=0.05, order=order, lr=RATE, remain_weight=3.0)
    assert_equal(ours, expected)


COMPARISONS = {
    "salun": compare_salun,
    "sfr_on": compare_sfr_on,
    "sfr_on: clipped": lambda kind="": compare_sfr_on(kind, clip=1.0),
    "selective_amnesia": compare_selective_amnesia,
    "lur": compare_lur,
    "lur: first order": lambda kind="": compare_lur(kind, order="first"),
}
FAULTS: dict[str, Mutation] = {
    "salun": (METHOD + "salun", "g.abs() for g in total", "g for g in total"),
    "sfr_on": (METHOD + "sfr_on", "parameter.grad *= mask", "pass"),
    "selective_amnesia": (METHOD + "selective_amnesia", "2 * self.elasticity", "self.elasticity"),
    "lur": (METHOD + "lur", "p - self.alpha * g", "p + self.alpha * g"),
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str) -> None:
    COMPARISONS[name]()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name: str) -> None:
    assert is_noticed(FAULTS[name], COMPARISONS[name], ("",))


def test_a_fault_of_the_objective_is_noticed() -> None:
    fault = (
        "reunlearn.objectives.noise_prediction",
        "(1 - kept).sqrt() * draw.noise",
        "(1 - kept) * draw.noise",
    )
    for name in FAULTS:
        assert is_noticed(fault, COMPARISONS[name], ("",)), name


def test_the_reference_does_not_import_our_code() -> None:
    for path in (Path(__file__).parent / "references").glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("reunlearn") for name in names)
