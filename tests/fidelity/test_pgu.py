"""PGU in its modes equals its references, from the moments kept in training; steps of the references worked out."""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reunlearn.training.state import layer_inputs
from reunlearn.unlearning.methods import pgu as our_pgu

from .batches import normal
from .harness import assert_equal
from .networks import CLASSES, NETS, linear
from .pgu_runs import (
    CHANCE,
    ENERGY,
    EPOCHS,
    SIZES,
    SPACES,
    best_before_the_fall,
    data_of,
    first_not_behind,
    passes,
    pgu_run,
    reference_settings,
    two_steps,
    write_state,
)
from .references import pgu
from .references._core_gradient_space import (
    core_bases,
    full_space,
    projections,
    retain_space,
    second_moments,
)
from .references._weights import Tensors
from .sets import fitted


def original(kind: str) -> nn.Module:
    """Return a network that knows what it has seen better than what it has not."""
    return fitted(kind, SIZES, steps=150)


def compare_removal(kind: str, reading: str) -> None:
    """Data removal, which ends by the gap between validation and forget."""
    ours, full = pgu_run(kind, reading, original(kind), {})
    data = data_of(ours, full)
    given = {"gamma": ENERGY[reading], **SPACES[reading], **reference_settings(kind)}

    def removed(epochs: int) -> nn.Module:
        shorter = data | {"forget": data["forget"][:epochs]}
        return pgu.reference(ours.original(), shorter, mode="none", **given)

    if reading == "paper":
        expected = first_not_behind(data, removed)
    else:
        assert 1 < len(ours.logged) < EPOCHS, "the rule decides nothing"
        expected = pgu.reference(ours.original(), data, mode="data", tie="previous", **given)
    assert_equal(ours, expected)


def compare_class(kind: str, reading: str) -> None:
    """Class removal: ends at chance, shuffled batches, C_f on augmented images."""
    as_released = {"mode": "class", "stop": "chance", "shuffle": True, "moments_augmented": True}
    as_released |= {"energy": 0.4, "energy_by_layer": "head=0.3"}
    labels = {"forget": [1] * SIZES["forget"]}
    model = fitted(kind, SIZES, labels, steps=150)
    ours, full = pgu_run(kind, reading, model, as_released, labels)
    given = {"gamma": {"": 0.4, "head": 0.3}, "extra": 1, **SPACES[reading], **CHANCE}
    expected = pgu.reference(ours.original(), data_of(ours, full), **given, **reference_settings(kind))
    assert 1 < len(ours.logged) < EPOCHS, "the rule decides nothing"
    assert_equal(ours, expected)


def compare_steps(kind: str, reading: str) -> None:
    """Two removals, one after the other."""
    assert_equal(*two_steps(kind, reading, original(kind)))


def compare_depoisoning(kind: str, reading: str, scaled: int | None = None) -> None:
    """Wrong labels go; the space is that of the clean samples, the last layer has a trust region."""
    chosen = {"mode": "depoisoning", "stop": "best", "space": "retain", "augmented": True, "energy": 0.95}
    usual = our_pgu.SCALED
    try:
        our_pgu.SCALED = scaled or usual
        ours, _ = pgu_run(kind, reading, original(kind), chosen)
    finally:
        our_pgu.SCALED = usual
    _, epochs = passes(ours)
    assert [batch.augmented for batch in ours.drawn_from("retain")] == [False]
    given = {"gamma": 0.95, "rule": reading, "other_classes": reading == "code", "trust_size": scaled}
    given |= reference_settings(kind)

    def mended(count: int) -> nn.Module:
        assert count <= len(epochs), "ours ended too early"
        data = {"clean": ours.batches("retain"), "forget": epochs[:count]}
        return pgu.reference_depoisoning(ours.original(), data, last="head", **given)

    assert_equal(ours, best_before_the_fall(ours.whole("validation"), mended))


def compare_space(kind: str, reading: str) -> None:
    """The moments of the state, and the projections of the method from them."""
    model = original(kind)
    with tempfile.TemporaryDirectory() as folder:
        full = write_state(kind, model, Path(folder))
        moments = layer_inputs.read(Path(folder))
    assert_close(moments, second_moments(model, full))
    ours, full = pgu_run(kind, reading, model, {})
    forget = [passes(ours)[0]]
    space = retain_space(
        full_space(model, full), second_moments(model, forget), SPACES[reading]["indefinite"]
    )
    matrices = projections(core_bases(space, ENERGY[reading], rule=SPACES[reading]["rule"]))
    assert ours.task is not None
    ranks = {name: round(float(p.trace())) for name, p in matrices.items()}
    assert any(0 < rank < len(matrices[name]) for name, rank in ranks.items())
    with tempfile.TemporaryDirectory() as folder:
        write_state(kind, model, Path(folder))
        ours.task.state = {"layer_inputs": Path(folder)}
        bases = ours.method.bases(copy.deepcopy(model), ours.task)
    assert_close({name: m_DK @ m_DK.T for name, m_DK in bases.items()}, matrices)


def assert_close(matrices: Tensors, expected: Tensors) -> None:
    """Refuse matrices that differ by more than 1e-9 of their largest entry."""
    assert list(matrices) == list(expected)
    for name, matrix in expected.items():
        difference = float((matrices[name] - matrix).abs().max())
        assert difference <= 1e-9 * max(1.0, float(matrix.abs().max())), name


COMPARISONS: dict[str, Callable[[str], None]] = {}
for reading in ("paper", "code"):
    COMPARISONS |= {
        f"pgu@{reading}": partial(compare_removal, reading=reading),
        f"pgu@{reading}: class": partial(compare_class, reading=reading),
        f"pgu@{reading}: steps": partial(compare_steps, reading=reading),
        f"pgu@{reading}: depoisoning": partial(compare_depoisoning, reading=reading),
        f"pgu@{reading}: space": partial(compare_space, reading=reading),
    }
COMPARISONS["pgu@code: depoisoning, few scaled"] = partial(compare_depoisoning, reading="code", scaled=1)


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def loss_of(logits: Tensor, labels: Tensor, offset: float, weight: float) -> Tensor:
    """Return the unlearning loss, written with torch's own softmax."""
    p = torch.softmax(logits, 1)
    right = p[torch.arange(len(labels)), labels]
    return (-torch.log(1 - right + offset) + weight * (p * p.log()).sum(1)).mean()


def test_the_loss_the_step_and_the_schedule() -> None:
    logits, labels = normal(5, 4), torch.tensor([0, 3, 1, 2, 2])
    loss = pgu.unlearning_loss(logits, labels, offset=0.05, entropy_weight=0.2)
    torch.testing.assert_close(loss, loss_of(logits, labels, 0.05, 0.2))
    assert pgu.learning_rate(0, 0.05, 0.01, 100) == 0.05
    assert pgu.learning_rate(50, 0.05, 0.01, 100) == pytest.approx(math.sqrt(0.05 * 0.01))

    model, (x, y) = nn.Sequential(linear(normal(3, 4), normal(3))), (normal(6, 4), torch.arange(6) % 3)
    slope = torch.autograd.grad(loss_of(model(x), y, 0.05, 0.2), model[0].weight)[0]
    p = torch.diag(torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64))
    slope[:, 1] = 0.0
    expected, bias = model[0].weight.detach() - 0.05 * 0.2**0.01 * slope, model[0].bias.detach().clone()
    pgu.unlearn(model, {"forget": [[(x, y)]]}, {"0": p}, mode="none")
    torch.testing.assert_close(model[0].weight.detach(), expected)
    assert torch.equal(model[0].bias.detach(), bias)


def test_the_retain_outputs_stay_where_the_space_is_a_known_plane() -> None:
    """Retain inputs in the plane of the first two axes: P is that plane, the outputs there do not move."""
    retain, forget = normal(8, 4, seed=1), normal(6, 4, seed=2)
    retain[:, 2:] = 0.0
    labels = torch.arange(6) % CLASSES
    model = nn.Sequential(linear(normal(CLASSES, 4, seed=3)))
    before, outputs = copy.deepcopy(model), model(retain).detach()
    data = {"space_forget": [(forget, labels)], "forget": [[(forget, labels)]] * 4}
    space = full_space(model, [(retain, labels), (forget, labels)])
    rest = retain_space(space, second_moments(model, data["space_forget"]))
    plane = torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64))
    matrices = projections(core_bases(rest, 0.9999, rule="paper"))
    torch.testing.assert_close(matrices["0"], plane)
    pgu.reference(model, data, gamma=0.9999, rule="paper", space=space, mode="none")
    torch.testing.assert_close(model(retain).detach(), outputs)
    assert (model[0].weight - before[0].weight).norm() > 1e-3


DOWN = [(0.9, 1.0), (0.9, 0.94), (0.9, 0.91), (0.9, 0.85)]
TO_CHANCE = [(0.99, 0.9), (0.98, 0.5), (0.97, 0.05)]
FALLEN = [(0.99, 0.9), (0.98, 0.5), (0.93, 0.4)]


@pytest.mark.parametrize(
    ("accuracies", "kept", "settings"),
    [
        (DOWN, 2, {}),
        ([*DOWN[:3], (0.9, 0.895)], 3, {}),
        (TO_CHANCE, 2, {"mode": "class"}),
        (FALLEN, 2, {"mode": "class"}),
        (FALLEN, 1, {"mode": "class", "guard_keeps": "previous"}),
    ],
)
def test_stopping_rules(
    accuracies: list[tuple[float, float]],
    kept: int,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With these accuracies (validation or retain, forget) after each epoch, the model after `kept` epochs stays."""
    model, weights = scripted_run(accuracies, monkeypatch, **settings)
    assert next(i for i, w in enumerate(weights) if torch.equal(w, model[0].weight.detach())) == kept


def test_forgetting_before_the_first_epoch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="too fast"):
        scripted_run([(0.9, 0.8)], monkeypatch)


def scripted_run(
    accuracies: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> tuple[nn.Module, list[Tensor]]:
    """Return the model that stays, and the weights after each epoch."""
    model = nn.Sequential(linear(normal(3, 4)))
    x, y = normal(6, 4), torch.arange(6) % 3
    weights, script = [], [value for pair in accuracies for value in pair]

    def scripted(net: nn.Module, _: tuple[Tensor, Tensor]) -> float:
        if len(script) % 2 == 0:
            weights.append(net[0].weight.detach().clone())
        return script.pop(0)

    monkeypatch.setattr(pgu, "accuracy", scripted)
    keys = ("validation", "forget_evaluation", "retain_evaluation")
    data = {"forget": [[(x, y)]] * 6} | {key: (x, y) for key in keys}
    return pgu.unlearn(model, data, {"0": torch.zeros(4, 4, dtype=torch.float64)}, **settings), weights


def test_removed_classes_lose_their_rows() -> None:
    weight, bias = normal(4, 3), normal(4)
    model = pgu.remove_classes(nn.Sequential(linear(weight, bias)), "0", [1, 2])
    torch.testing.assert_close(model[0].weight.detach(), weight[[0, 3]])
    torch.testing.assert_close(model[0].bias.detach(), bias[[0, 3]])


def test_the_depoisoning_loss_and_the_trust_region() -> None:
    logits, labels = normal(3, 4), torch.tensor([0, 3, 1])
    p, terms = torch.softmax(logits, 1), []
    for i, y in enumerate(labels.tolist()):
        q = torch.softmax(torch.cat([logits[i, :y], logits[i, y + 1 :]]), 0)
        terms.append(-torch.log(1 - p[i, y] + 0.1) - 0.2 * (q * q.log()).sum())
    torch.testing.assert_close(pgu.depoisoning_loss(logits, labels), torch.stack(terms).mean())

    basis, weight = torch.eye(4, dtype=torch.float64)[:, :2], normal(3, 4)
    doubled = pgu.effective_weight(weight, basis, 2 * torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(doubled, torch.cat([2 * weight[:, :2], weight[:, 2:]], dim=1))
    outside = torch.tensor([[0.1, 0.0, 1.0, 1.0]], dtype=torch.float64)
    assert pgu.in_trust_region(doubled, basis) and not pgu.in_trust_region(outside, basis)


def test_depoisoning_with_a_full_space_moves_the_scale_alone() -> None:
    """All of the input space is core: W stays, W_eff = W U Q Uᵀ, whose first step is known."""
    weight, x, y = normal(3, 4), normal(9, 4, seed=2), torch.arange(9) % 3
    model = nn.Sequential(linear(weight))
    data = {"clean": [(x, y)], "forget": [[(x, y)]]}
    pgu.reference_depoisoning(model, data, last="0", gamma=2.0)
    w = weight.clone().requires_grad_(True)
    (g,) = torch.autograd.grad(pgu.depoisoning_loss(x @ w.T, y), w)
    rate = 0.1 * 0.5**0.01
    torch.testing.assert_close(model[0].weight.detach(), weight - 0.1 * rate * weight @ weight.T @ g)
    with pytest.raises(ValueError, match="trust region"):
        pgu.reference_depoisoning(model, data, last="0", gamma=2.0, trust_size=5)
