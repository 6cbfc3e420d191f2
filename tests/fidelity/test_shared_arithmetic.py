"""What several references share: optimizers, losses, gradients, and PGU's core gradient space."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from .batches import normal, samples
from .networks import fresh_network
from .references import _core_gradient_space as space
from .references import _losses, _optimizers
from .references._samples import batches_of
from .references._weights import flat, gradients, trainable


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"name": "sgd"}, torch.optim.SGD),
        ({"name": "sgd", "momentum": 0.9, "weight_decay": 0.1}, torch.optim.SGD),
        ({"name": "adam", "weight_decay": 0.1, "betas": (0.8, 0.9)}, torch.optim.Adam),
        ({"name": "adamw"}, torch.optim.AdamW),
    ],
)
def test_optimizers_are_torchs(settings: dict[str, Any], kind: type[torch.optim.Optimizer]) -> None:
    """Also where a gradient is absent in some steps, and with a rate that changes."""
    ours, theirs = trainable(fresh_network("two_layer")), trainable(fresh_network("two_layer"))
    update = _optimizers.build(ours, settings)
    other = kind(theirs.values(), lr=0.1, **{k: v for k, v in settings.items() if k != "name"})
    for step in range(5):
        drawn = {name: normal(*p.shape, seed=10 * step + i) for i, (name, p) in enumerate(ours.items())}
        drawn.pop(list(ours)[step % 2])
        update.step(drawn, 0.1 / (1 + step))
        other.param_groups[0]["lr"] = 0.1 / (1 + step)
        for name, parameter in theirs.items():
            parameter.grad = drawn.get(name)
        other.step()
    for name, parameter in ours.items():
        torch.testing.assert_close(parameter, theirs[name], rtol=1e-13, atol=1e-15)


def test_adams_first_step_is_the_sign_of_the_gradient() -> None:
    weight = {"w": torch.tensor([1.0, -2.0], dtype=torch.float64)}
    update = _optimizers.build(weight, {"name": "adam", "eps": 0.0})
    update.step({"w": torch.tensor([3.0, -0.5], dtype=torch.float64)}, 0.1)
    torch.testing.assert_close(weight["w"], torch.tensor([0.9, -1.9], dtype=torch.float64))


def test_clipping_is_torchs() -> None:
    grads = {"a": torch.tensor([3.0, 0.0]).double(), "b": torch.tensor([4.0]).double()}
    clipped = _optimizers.clipped(grads, 1.0)
    assert clipped["a"][0] == 3 / (5 + 1e-6) and clipped["b"][0] == 4 / (5 + 1e-6)
    assert _optimizers.clipped(grads, 6.0)["b"] == 4.0


def test_losses_are_torchs_and_known_in_closed_form() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)], [1000.0, 0.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0])
    expected = torch.tensor([math.log(4.0), 0.0], dtype=torch.float64)
    torch.testing.assert_close(_losses.cross_entropies(logits, labels), expected)
    mean = _losses.cross_entropy(logits, labels)
    torch.testing.assert_close(mean, nn.functional.cross_entropy(logits, labels))
    p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    divergence = torch.tensor(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    torch.testing.assert_close(_losses.kl_divergence(p, torch.log(q)), divergence)


def test_gradients_are_flattened_in_the_models_order() -> None:
    model = fresh_network("two_layer")
    x, y = samples("two_layer", 4, 1)
    functional.cross_entropy(model(x), y).backward()
    slopes = flat(gradients(functional.cross_entropy(model(x), y), trainable(model)))
    torch.testing.assert_close(slopes, torch.cat([p.grad.reshape(-1) for p in model.parameters()]))


def test_windows_give_the_convolution_at_stride_one() -> None:
    layer, x = nn.Conv2d(2, 3, 3, stride=2, padding=1, dtype=torch.float64), normal(2, 2, 4, 4)
    rows = space.input_vectors(layer, x)
    dense = functional.conv2d(x, layer.weight, stride=1, padding=1).permute(0, 2, 3, 1).reshape(-1, 3)
    torch.testing.assert_close(rows @ layer.weight.flatten(1).T, dense)
    torch.testing.assert_close(rows, functional.unfold(x, 3, padding=1).transpose(1, 2).reshape(-1, 18))


def test_moments_are_sums_and_independent_of_the_batches() -> None:
    model, data = fresh_network("small_conv"), samples("small_conv", 6, 1)
    one, three = (space.second_moments(model, batches_of(data, size)) for size in (6, 2))
    for name, value in one.items():
        torch.testing.assert_close(value, three[name])
    pooled = model.eval().body(data[0]).mean(dim=(2, 3)).detach()
    torch.testing.assert_close(one["head"], pooled.T @ pooled)


def test_the_retain_space_is_that_of_the_retain_set() -> None:
    model, (x, y) = fresh_network("small_conv"), samples("small_conv", 9, 1)
    full = space.full_space(model, [(x, y)])
    retain = space.retain_space(full, space.second_moments(model, [(x[:4], y[:4])]))
    direct = space.full_space(model, [(x[4:], y[4:])])
    for name, (u, sigma) in retain.items():
        v, expected = direct[name]
        torch.testing.assert_close(u @ torch.diag(sigma**2) @ u.T, v @ torch.diag(expected**2) @ v.T)


def test_rank_rules_and_indefinite_values() -> None:
    sigma = torch.tensor([5.0, 3.0, 1.5, 0.5], dtype=torch.float64)
    assert [space.rank(sigma, g) for g in (0.49, 0.5, 0.79, 0.9, 1.0)] == [0, 1, 1, 2, 4]
    assert [space.rank(sigma, g, extra=1) for g in (0.49, 0.9, 1.0)] == [1, 3, 4]
    assert [space.rank(sigma, g, rule="paper") for g in (0.49, 0.5, 0.79, 0.9)] == [1, 1, 2, 3]
    moment = torch.diag(torch.tensor([-4.0, 9.0, 1.0], dtype=torch.float64))
    assert space.decompose(moment)[1].tolist() == pytest.approx([3, 2, 1])
    assert space.decompose(moment, "clamp")[1].tolist() == pytest.approx([3, 1, 0])
