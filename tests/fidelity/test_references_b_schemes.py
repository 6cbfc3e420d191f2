"""Hand-computed checks: boundary methods, Scissorhands."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .references import boundary_expanding, boundary_shrink, scissorhands
from .references.plain_parts import batches_of, cross_entropy, flat, gradients, parameters_of
from .references_b_nets import CLASSES, built, linear, normal, samples


def _f64(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _images(number: int) -> tuple[Tensor, Tensor]:
    return torch.sigmoid(normal(number, 2, 1, 1, seed=6)), torch.arange(number) % 2


def _two_class() -> nn.Module:
    """Logits (a, b) for a pixel pair (a, b)."""
    return nn.Sequential(nn.Flatten(), linear(torch.eye(2, dtype=torch.float64)))


def test_boundary_shrink_crosses_the_boundary_and_fits_the_new_label() -> None:
    """CE of class 0 falls with a and grows with b: FGSM goes (a - bound, b + bound)."""
    x, y = _f64([[0.55, 0.45], [0.9, 0.1]]).reshape(2, 2, 1, 1), torch.tensor([0, 0])
    model = _two_class()
    moved = boundary_shrink.adversarial_inputs(model, x, y, bound=0.1)
    torch.testing.assert_close(moved.reshape(2, 2), _f64([[0.45, 0.55], [0.8, 0.2]]))
    assert boundary_shrink.nearest_labels(model, x, y, bound=0.1).tolist() == [1, 0]

    pixels = x.reshape(2, 2)
    slope = (torch.softmax(pixels, 1) - _f64([[0, 1], [1, 0]])).T @ pixels / 2
    boundary_shrink.reference(model, {"forget": [(x, y)]}, learning_rate=0.1)
    torch.testing.assert_close(model[1].weight.detach(), torch.eye(2, dtype=torch.float64) - 0.1 * slope)


def test_boundary_shrink_pixel_space() -> None:
    """In normalised inputs the step is bound / std; the clamp holds in pixels; levels are n / 255."""
    model, (pixels, y) = _two_class(), _images(6)
    mean, std = [0.4, 0.5], [0.2, 0.25]
    scale = _f64(std).reshape(1, 2, 1, 1)
    x = (pixels - _f64(mean).reshape(1, 2, 1, 1)) / scale
    free = boundary_shrink.adversarial_inputs(model, x, y, bound=0.1, mean=mean, std=std, clamp=False)
    torch.testing.assert_close((free - x).abs(), (0.1 / scale).expand(6, 2, 1, 1))
    held = boundary_shrink.adversarial_inputs(model, x, y, bound=0.9, mean=mean, std=std)
    back = held * scale + _f64(mean).reshape(1, 2, 1, 1)
    assert float(back.min()) >= -1e-12 and float(back.max()) <= 1 + 1e-12
    levels = 255 * boundary_shrink.adversarial_inputs(model, pixels, y, bound=0.1, discretise=True)
    torch.testing.assert_close(levels, levels.round())


def test_boundary_expanding_one_step_and_pruning() -> None:
    weight, row, x = normal(CLASSES, 2, seed=1), normal(2, seed=2), normal(4, 2, seed=3)
    wide = torch.cat([weight, row[None]])
    target = torch.zeros(4, 4, dtype=torch.float64)
    target[:, 3] = 1.0
    wide_after = wide - 0.5 * (torch.softmax(x @ wide.T, 1) - target).T @ x / 4
    data = {"forget": [(x, torch.zeros(4, dtype=torch.long))]}
    for prune in (True, False):
        model = nn.Sequential(linear(weight))
        boundary_expanding.reference(model, data, last="0", new_row=row, learning_rate=0.5, prune=prune)
        torch.testing.assert_close(model[0].weight.detach(), wide_after[:3] if prune else wide_after)


def test_scissorhands_trims_the_most_salient_weights() -> None:
    model, (x, y) = built("two_layer"), samples("two_layer", 6, 1)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    slope = gradients(cross_entropy(model(x), y), parameters_of(model))
    saliency = torch.cat([(before[n] * slope[n]).abs().reshape(-1) for n in before])
    fresh = {n: torch.full_like(p, 7.0) for n, p in before.items()}
    k = int(0.8 * len(saliency))
    limit = torch.kthvalue(saliency, k).values
    scissorhands.trim(
        model, [(x, y)], sparsity=0.8, fresh=fresh, reinitialised=["head.weight", "first.weight"]
    )
    for name, p in model.named_parameters():
        hit = (before[name] * slope[name]).abs() > limit
        hit = hit if name.endswith("weight") else torch.zeros_like(hit)
        assert torch.equal(p.detach(), torch.where(hit, fresh[name], before[name]))
    assert int((flat(parameters_of(model)) == 7.0).sum()) > 0


def test_scissorhands_projection_closed_form_and_optimality() -> None:
    for seed in range(20):
        g, m = normal(5, seed=seed), normal(5, seed=100 + seed)
        expected = g
        if float(m @ g) < 0:
            expected = g + max(0.5, float(-(m @ g) / (m @ m + 1e-3))) * m
        torch.testing.assert_close(scissorhands.project(g, [m], margin=0.5, epsilon=1e-3), expected)
        rows = normal(3, 5, seed=200 + seed)
        p, q = rows @ rows.T + 1e-3 * torch.eye(3, dtype=torch.float64), rows @ g
        v = scissorhands.constrained_minimum(p, q, 0.5)
        slope, free = p @ v + q, v > 0.5 + 1e-9
        assert bool((slope >= -1e-9).all()) and bool((slope[free].abs() < 1e-9).all())


def test_scissorhands_without_projection_is_sgd_on_the_difference() -> None:
    model, twin = built("small_conv"), built("small_conv")
    retain, forget = (batches_of(samples("small_conv", n, s), 4) for n, s in ((12, 1), (4, 2)))
    data = {"snip": forget, "memory": [[]], "retain": [retain], "forget": [forget]}
    scissorhands.reference(
        model,
        data,
        sparsity=0.5,
        lambda_=0.1,
        fresh={},
        reinitialised=[],
        projected=["head.bias"],
        learning_rate=0.1,
    )
    twin(forget[0][0])
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    for i, (x, y) in enumerate(retain):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(twin(x), y)
        if i < len(forget):
            loss = loss - 0.1 * nn.functional.cross_entropy(twin(forget[i][0]), forget[i][1])
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), twin.state_dict())
