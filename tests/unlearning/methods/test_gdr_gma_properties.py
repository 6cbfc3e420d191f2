"""What GDR-GMA promises: no conflict where the projection is right, a weight that follows the loss, stated memory."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.gradients.flat import gradients, trainable
from tests.unlearning.making import make
from tests.unlearning.methods.double_precision import conv_net, distance, make_task, two_layers
from tests.unlearning.methods.test_gdr_gma import FORGET, SETTINGS, run, sets


def cosine(v: Tensor, w: Tensor) -> float:
    return float(torch.dot(v, w) / (v.norm() * w.norm()))


def joined(tensors: list[Tensor]) -> list[Tensor]:
    return [torch.cat([t.flatten() for t in tensors])]


@pytest.mark.parametrize("network", [two_layers, conv_net])
@pytest.mark.parametrize("reading", ["paper", "code"])
def test_the_papers_projection_leaves_cosine_0_and_the_released_one_a_residual(network, reading: str) -> None:
    """In the first epoch, when no bank acts yet: the paper's on the whole vector, the code's on each tensor."""
    model, task = network().train(), make_task("gdr_gma", sets(), {})
    method = make("gdr_gma", reading, SETTINGS)
    gdr = method.rectifier(model, task)
    forget, retain = next(task.pairs(20, augmented=False))
    a, _, entries = method.ascent(model, forget, task, gdr)
    d = gradients(task.loss(model, retain), trainable(model))
    found = [a, d, *gdr(a, d, entries)]
    parts = [joined(t) if reading == "paper" else [x.flatten() for x in t] for t in found]
    residuals = []
    for x, y, new_x, new_y in zip(*parts, strict=True):
        c = cosine(x, y)
        if min(x.norm(), y.norm()) < 1e-9 or c >= 0:  # a bias in front of BatchNorm; no conflict
            continue
        assert cosine(new_y, x) == pytest.approx(0, abs=1e-9)
        residuals.append(cosine(new_x, y))
        left = 0 if reading == "paper" else c**3 / (1 + c**2 - c**4) ** 0.5
        assert residuals[-1] == pytest.approx(left, abs=1e-9)
    assert residuals, "the control: they conflicted"
    assert (min(residuals) < -0.01) == (reading == "code")


def test_the_weight_follows_the_drift_of_the_retain_loss() -> None:
    method = make("gdr_gma", "paper", {})
    at, original = (torch.tensor(v, dtype=torch.float64) for v in (0.12, 0.10))
    assert float(method.forget_weight(at, original)) == pytest.approx(0.5)
    assert float(method.forget_weight(2 * original - at, original)) == pytest.approx(0.5)  # |Δ|
    assert float(method.forget_weight(at, None)) == pytest.approx(1 / (1 + np.exp(100 * 0.10)))
    assert float(method.forget_weight(original, original)) == pytest.approx(1 / (1 + np.exp(-2)))
    fixed = make("gdr_gma", "paper", {"adapt": False, "fixed_weight": 0.7})
    assert float(fixed.forget_weight(at, original)) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("settings", "rows"),
    [({}, 2 * 5), ({"bank": "fifo"}, 5), ({"bank_unit": "sample"}, 2 * FORGET), ({"bank": "off"}, 0)],
)
def test_the_bank_states_its_memory_before_the_run(settings: dict, rows: int, caplog) -> None:
    history: list[dict] = []
    width = sum(p.numel() for p in two_layers().parameters())
    with caplog.at_level(logging.INFO):
        run(two_layers(), "paper", make_task("gdr_gma", sets(), {}, log=history.append), **settings)
    assert history[0] == {"step": 0, "bank_gib": rows * width * 8 / 2**30}
    assert "the gradient bank takes up to" in caplog.text
    limit = {**settings, "bank_limit": 1e-9}
    if not rows:
        run(two_layers(), "paper", **limit)
        return
    untouched = two_layers()
    with pytest.raises(
        UserError, match=r"needs .* GiB, bank_limit allows 1e-09; raise it, or set bank_scope"
    ):
        make("gdr_gma", "paper", SETTINGS | limit).unlearn(untouched, make_task("gdr_gma", sets(), {}))
    assert distance(untouched, two_layers()) == 0


def test_half_precision_needs_a_quarter_of_float64_and_stays_near() -> None:
    history: list[dict] = []
    model = conv_net()
    half = run(model, "paper", make_task("gdr_gma", sets(), {}, log=history.append), bank_precision="half")
    full = run(model, "paper", make_task("gdr_gma", sets(), {}, log=history.append))
    noted = [entry["bank_gib"] for entry in history if "bank_gib" in entry]
    assert noted[1] == 4 * noted[0]
    assert 0 < distance(half, full) < distance(run(model, "paper", bank="off"), full)
