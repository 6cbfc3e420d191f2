"""NTK scrubbing against explicit matrices, and its bound of memory."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.study.recipes import Recipe
from reunlearn.training.state.registry import FILE
from reunlearn.training.tensor_files import save_model
from reunlearn.unlearning.methods.ntk import trapezium
from tests.unlearning.making import make
from tests.unlearning.methods.double_precision import (
    CLASSES,
    NETWORKS,
    assert_same,
    distance,
    make_samples,
    make_task,
    memorise,
)

RECIPE = Recipe(epochs=1, batch_size=1, learning_rate=1.0, weight_decay=0.1)


def sets() -> dict:
    return {"forget": make_samples(4, seed=1), "retain": make_samples(7, seed=2)}


def models(network: str) -> tuple[nn.Module, nn.Module]:
    """Return (trained, initial)."""
    start = NETWORKS[network]()
    return memorise(copy.deepcopy(start), make_samples(11, seed=4), steps=20), start


def scrub(
    model: nn.Module,
    start: nn.Module,
    folder: Path,
    noted=None,
    recipe=RECIPE,
    reading: str | None = None,
    **settings,
) -> nn.Module:
    save_model(start, folder / FILE)
    log = {} if noted is None else {"log": noted.append}
    task = make_task("ntk", sets(), settings, recipe=recipe, state={"initial_weights": folder}, **log)
    return make("ntk", reading, settings).unlearn(copy.deepcopy(model), task)


def vector(model: nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def explicit(model: nn.Module, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (G [P, n·K], f₀ − y) as the notebook lays them out."""
    columns, residuals = [], []
    for batch in sets()[name].batches(1):
        z = model(batch.x)
        p = z.detach().softmax(1)[0].numpy().copy()
        p[int(batch.y)] -= 1
        residuals.append(p)
        for k in range(CLASSES):
            model.zero_grad()
            z[0, k].backward(retain_graph=True)
            columns.append(np.concatenate([w.grad.numpy().ravel() for w in model.parameters()]))
    return np.stack(columns, axis=1), np.concatenate(residuals)


def reference(model, start, at, decay=0.1, trick=True) -> nn.Module:
    model, at = copy.deepcopy(model).eval(), copy.deepcopy(at).eval()
    (g_r, f_r), (g_f, f_f) = explicit(at, "retain"), explicit(at, "forget")
    g, f = np.concatenate((g_r, g_f), axis=1), np.concatenate((f_r, f_f))
    w_all = -g @ np.linalg.inv(g.T @ g + 11 * decay * np.eye(g.shape[1])) @ f
    w_retain = -g_r @ np.linalg.inv(g_r.T @ g_r + 7 * decay * np.eye(g_r.shape[1])) @ f_r
    delta = w_retain - w_all
    error = vector(model) - vector(start) - w_retain
    norm, length = np.linalg.norm(delta), np.linalg.norm(error)
    inner = np.inner(delta / norm, error / length)
    angle = np.arccos(inner) - np.pi / 2 if inner < 0 else np.arccos(inner)
    added = 2 * length * (np.sin(angle) if inner < 0 else np.cos(angle))
    step, begin = delta * ((norm + added) / norm if trick else 1), 0
    for p in model.parameters():
        p.data += torch.from_numpy(step[begin : begin + p.numel()]).view_as(p)
        begin += p.numel()
    return model


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("linearised_at", ["trained", "initial"])
@pytest.mark.parametrize("trick", [True, False])
def test_equals_the_explicit_matrices(network: str, linearised_at: str, trick: bool, tmp_path: Path) -> None:
    model, start = models(network)
    found = scrub(model, start, tmp_path, linearised_at=linearised_at, trapezium=trick, batch_size=3)
    at, other = (model, start) if linearised_at == "trained" else (start, model)
    assert_same(found, reference(model, start, at, trick=trick))
    assert distance(found, reference(model, start, other, trick=trick)) > 1e-4
    assert distance(found, reference(model, start, at, trick=not trick)) > 1e-4


def test_a_reading_is_where_the_network_is_linear(tmp_path: Path) -> None:
    model, start = models("conv_net")
    paper, code = (scrub(model, start, tmp_path, reading=reading) for reading in ("paper", "code"))
    assert_same(paper, reference(model, start, start))
    assert_same(code, reference(model, start, model))
    assert distance(paper, code) > 1e-4
    assert_same(code, scrub(model, start, tmp_path, reading="paper", linearised_at="trained"))


def test_the_weight_decay_is_the_recipes_unless_given(tmp_path: Path) -> None:
    model, start = models("two_layers")
    given = scrub(model, start, tmp_path, weight_decay=0.3)
    assert_same(given, reference(model, start, start, decay=0.3))
    assert distance(given, reference(model, start, start)) > 1e-4
    with pytest.raises(UserError, match="weight_decay above 0"):
        scrub(model, start, tmp_path, recipe=RECIPE.model_copy(update={"weight_decay": 0.0}))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_trapezium_lengthens(sign: float) -> None:
    delta = torch.tensor([2.0, 0.0])
    error = torch.tensor([sign * 3.0, 4.0])
    assert math.isclose(trapezium(delta, error), (2 + 2 * 0.6 * 5) / 2)
    assert trapezium(torch.zeros(2), error) == 1.0


def test_too_little_memory_is_refused_with_what_would_do(tmp_path: Path, monkeypatch) -> None:
    from reunlearn.unlearning.methods import ntk

    model, start = models("two_layers")
    monkeypatch.setattr(ntk, "MIB", 1000)
    kernel = 3 * 8 * (11 * CLASSES) ** 2  # 26,136 bytes
    with pytest.raises(
        UserError, match=rf"takes {math.ceil(kernel / 1000)} MiB; memory_mib allows 26"
    ) as caught:
        scrub(model, start, tmp_path, memory_mib=26)
    assert "\n" not in str(caught.value)
    enough = scrub(model, start, tmp_path, memory_mib=27)
    assert_same(enough, scrub(model, start, tmp_path, memory_mib=2000))


def test_fewer_retain_samples_are_drawn_by_the_seed(tmp_path: Path) -> None:
    model, start = models("two_layers")
    some = scrub(model, start, tmp_path, retain_samples=3)
    assert distance(some, scrub(model, start, tmp_path, retain_samples=3)) == 0
    everything = scrub(model, start, tmp_path, retain_samples=0)
    assert distance(some, everything) > 1e-4
    assert_same(everything, scrub(model, start, tmp_path, retain_samples=7))
