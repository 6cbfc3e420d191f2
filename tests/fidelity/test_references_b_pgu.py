"""Hand-computed checks of PGU: space, projection, loss, schedule, stopping, TRGP layer."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from .references import pgu, pgu_depoisoning, pgu_space
from .references.plain_parts import batches_of
from .references_b_nets import CLASSES, built, linear, normal, samples


def test_patches_give_the_convolution_at_stride_one() -> None:
    layer, x = nn.Conv2d(2, 3, 3, stride=2, padding=1, dtype=torch.float64), normal(2, 2, 4, 4)
    rows = pgu_space.input_vectors(layer, x)
    dense = functional.conv2d(x, layer.weight, stride=1, padding=1).permute(0, 2, 3, 1).reshape(-1, 3)
    torch.testing.assert_close(rows @ layer.weight.flatten(1).T, dense)
    torch.testing.assert_close(rows, functional.unfold(x, 3, padding=1).transpose(1, 2).reshape(-1, 18))


def test_moments_are_sums_and_independent_of_the_batches() -> None:
    model, data = built("small_conv"), samples("small_conv", 6, 1)
    one, three = (pgu_space.second_moments(model, batches_of(data, size)) for size in (6, 2))
    for name, value in one.items():
        torch.testing.assert_close(value, three[name])
    model.eval()
    pooled = model.body(data[0]).mean(dim=(2, 3)).detach()
    torch.testing.assert_close(one["head"], pooled.T @ pooled)


def test_the_retain_space_is_that_of_the_retain_set() -> None:
    model, (x, y) = built("small_conv"), samples("small_conv", 9, 1)
    full = pgu_space.full_space(model, [(x, y)])
    retain = pgu_space.retain_space(full, pgu_space.second_moments(model, [(x[:4], y[:4])]))
    direct = pgu_space.full_space(model, [(x[4:], y[4:])])
    for name, (u, sigma) in retain.items():
        v, expected = direct[name]
        torch.testing.assert_close(u @ torch.diag(sigma**2) @ u.T, v @ torch.diag(expected**2) @ v.T)


def test_rank_rules_and_indefinite_values() -> None:
    sigma = torch.tensor([5.0, 3.0, 1.5, 0.5], dtype=torch.float64)
    assert [pgu_space.rank(sigma, g) for g in (0.49, 0.5, 0.79, 0.9, 1.0)] == [0, 1, 1, 2, 4]
    assert [pgu_space.rank(sigma, g, extra=1) for g in (0.49, 0.9, 1.0)] == [1, 3, 4]
    assert [pgu_space.rank(sigma, g, rule="paper") for g in (0.49, 0.5, 0.79, 0.9)] == [1, 1, 2, 3]
    moment = torch.diag(torch.tensor([-4.0, 9.0, 1.0], dtype=torch.float64))
    assert pgu_space.decompose(moment)[1].tolist() == pytest.approx([3, 2, 1])
    assert pgu_space.decompose(moment, "clamp")[1].tolist() == pytest.approx([3, 1, 0])


def test_projection_onto_a_known_plane_keeps_the_retain_outputs() -> None:
    """Retain inputs in the plane of the first two axes: P is that plane, the outputs there do not move."""
    retain, forget = normal(8, 4, seed=1), normal(6, 4, seed=2)
    retain[:, 2:] = 0.0
    labels = torch.arange(6) % CLASSES
    model = nn.Sequential(linear(normal(CLASSES, 4, seed=3)))
    before, outputs = copy.deepcopy(model), model(retain).detach()
    data = {
        "full": [(retain, labels), (forget, labels)],
        "space_forget": [(forget, labels)],
        "forget": [[(forget, labels)]] * 4,
    }
    space = pgu_space.full_space(model, data["full"])
    rest = pgu_space.retain_space(space, pgu_space.second_moments(model, data["space_forget"]))
    plane = torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64))
    matrices = pgu_space.projections(pgu_space.core_bases(rest, 0.9999, rule="paper"))
    torch.testing.assert_close(matrices["0"], plane)
    pgu.reference(model, data, gamma=0.9999, rule="paper", space=space, mode="none")
    torch.testing.assert_close(model(retain).detach(), outputs)
    assert (model[0].weight - before[0].weight).norm() > 1e-3


def _loss(logits: Tensor, labels: Tensor, offset: float, weight: float) -> Tensor:
    p = torch.softmax(logits, 1)
    own = p[torch.arange(len(labels)), labels]
    return (-torch.log(1 - own + offset) + weight * (p * p.log()).sum(1)).mean()


def test_loss_step_and_schedule() -> None:
    logits, labels = normal(5, 4), torch.tensor([0, 3, 1, 2, 2])
    found = pgu.unlearning_loss(logits, labels, offset=0.05, entropy_weight=0.2)
    torch.testing.assert_close(found, _loss(logits, labels, 0.05, 0.2))
    assert pgu.learning_rate(0, 0.05, 0.01, 100) == 0.05
    assert pgu.learning_rate(50, 0.05, 0.01, 100) == pytest.approx(math.sqrt(0.05 * 0.01))

    model, (x, y) = nn.Sequential(linear(normal(3, 4), normal(3))), (normal(6, 4), torch.arange(6) % 3)
    slope = torch.autograd.grad(_loss(model(x), y, 0.05, 0.2), model[0].weight)[0]
    p = torch.diag(torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64))
    slope[:, 1] = 0.0
    expected, bias = model[0].weight.detach() - 0.05 * 0.2**0.01 * slope, model[0].bias.detach().clone()
    pgu.unlearn(model, {"forget": [[(x, y)]]}, {"0": p}, mode="none")
    torch.testing.assert_close(model[0].weight.detach(), expected)
    assert torch.equal(model[0].bias.detach(), bias)


def _stopping(accuracies: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch, **settings) -> int:
    """Run with scripted (validation or retain, forget) accuracies; returns the number of steps kept."""
    model = nn.Sequential(linear(normal(3, 4)))
    x, y = normal(6, 4), torch.arange(6) % 3
    weights, script = [], []
    for a, b in accuracies:
        script += [a, b]

    def scripted(net: nn.Module, _: tuple) -> float:
        if len(script) % 2 == 0:
            weights.append(net[0].weight.detach().clone())
        return script.pop(0)

    monkeypatch.setattr(pgu, "accuracy", scripted)
    keys = ("validation", "forget_evaluation", "retain_evaluation")
    data = {"forget": [[(x, y)]] * 6} | {key: (x, y) for key in keys}
    pgu.unlearn(model, data, {"0": torch.zeros(4, 4, dtype=torch.float64)}, **settings)
    return next(i for i, w in enumerate(weights) if torch.equal(w, model[0].weight.detach()))


def test_stopping_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    down = [(0.9, 1.0), (0.9, 0.94), (0.9, 0.91), (0.9, 0.85)]
    assert _stopping(down, monkeypatch) == 2
    assert _stopping([*down[:3], (0.9, 0.895)], monkeypatch) == 3
    with pytest.raises(ValueError, match="too fast"):
        _stopping([(0.9, 0.8)], monkeypatch)
    classes = [(0.99, 0.9), (0.98, 0.5), (0.97, 0.05)]
    assert _stopping(classes, monkeypatch, mode="class") == 2
    fallen = [(0.99, 0.9), (0.98, 0.5), (0.93, 0.4)]
    assert _stopping(fallen, monkeypatch, mode="class") == 2
    assert _stopping(fallen, monkeypatch, mode="class", guard_keeps="previous") == 1


def test_removed_classes_lose_their_rows() -> None:
    weight, bias = normal(4, 3), normal(4)
    model = pgu.remove_classes(nn.Sequential(linear(weight, bias)), "0", [1, 2])
    torch.testing.assert_close(model[0].weight.detach(), weight[[0, 3]])
    torch.testing.assert_close(model[0].bias.detach(), bias[[0, 3]])


def test_depoisoning_loss_and_trust_region_layer() -> None:
    logits, labels = normal(3, 4), torch.tensor([0, 3, 1])
    own, rest = torch.softmax(logits, 1), []
    for i, y in enumerate(labels.tolist()):
        q = torch.softmax(torch.cat([logits[i, :y], logits[i, y + 1 :]]), 0)
        rest.append(-torch.log(1 - own[i, y] + 0.1) - 0.2 * (q * q.log()).sum())
    torch.testing.assert_close(pgu_depoisoning.depoisoning_loss(logits, labels), torch.stack(rest).mean())

    basis = torch.eye(4, dtype=torch.float64)[:, :2]
    weight = normal(3, 4)
    doubled = pgu_depoisoning.effective_weight(weight, basis, 2 * torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(doubled, torch.cat([2 * weight[:, :2], weight[:, 2:]], dim=1))
    assert pgu_depoisoning.in_trust_region(doubled, basis) and not pgu_depoisoning.in_trust_region(
        torch.tensor([[0.1, 0.0, 1.0, 1.0]], dtype=torch.float64), basis
    )


def test_depoisoning_with_a_full_space_moves_only_the_scale() -> None:
    """All of the input space is core: W stays, W_eff = W U Q U^T, whose first step is known."""
    weight, x, y = normal(3, 4), normal(9, 4, seed=2), torch.arange(9) % 3
    model = nn.Sequential(linear(weight))
    data = {"clean": [(x, y)], "forget": [[(x, y)]]}
    pgu_depoisoning.reference(model, data, last="0", gamma=2.0)
    w = weight.clone().requires_grad_(True)
    (g,) = torch.autograd.grad(pgu_depoisoning.depoisoning_loss(x @ w.T, y), w)
    rate = 0.1 * 0.5**0.01
    torch.testing.assert_close(model[0].weight.detach(), weight - 0.1 * rate * weight @ weight.T @ g)
    with pytest.raises(ValueError, match="trust region"):
        pgu_depoisoning.reference(model, data, last="0", gamma=2.0, trust_size=5)
