"""Gradients of single samples against one backward pass for each sample and row."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients import per_sample
from reunlearn.gradients.layer_rules import ruled_layers
from reunlearn.gradients.per_sample import Outputs, one_hot, per_sample_gradients

CLASSES = 3


def jacobian(model: nn.Module, outputs: Outputs, batch: Batch, classes: int) -> Tensor:
    """Return ∂z/∂θ as [B, K, P], K classes, P entries in the order of the trainable parameters."""
    places, width = {}, 0
    for name, p in model.named_parameters():
        if p.requires_grad:
            places[name] = slice(width, width + p.numel())
            width += p.numel()
    full: Tensor | None = None
    for name, part, rows, value in per_sample_gradients(model, outputs, batch, one_hot):
        if full is None:
            full = value.new_empty(len(batch), classes, width)
        full[part, rows, places[name]] = value.flatten(2)
    assert full is not None
    return full


class Twice(nn.Module):
    """Uses one layer two times and adds in place."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(36, 36), nn.Linear(36, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        hidden = self.inner(torch.tanh(self.inner(x)))
        hidden += x
        return self.head(hidden)


class Sequences(nn.Module):
    """Linear layers and LayerNorm over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(9, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 4, bias=False))
        self.norm, self.head = nn.LayerNorm((4, 4)), nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.body(x.flatten(2))).flatten(1))


class Places(nn.Module):
    """Has a parameter that no layer with a rule owns."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.head = nn.Parameter(torch.randn(36)), nn.Linear(36, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(x.flatten(1) * self.place))


class Attention(nn.Module):
    """Self-attention over positions, by torch's own layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.MultiheadAttention(9, 3, batch_first=True), nn.Linear(36, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        return self.head(self.inner(x, x, x, need_weights=False)[0].flatten(1))


def convolutions(**settings) -> nn.Module:
    body = [nn.Conv2d(4, 6, 2, **settings), nn.BatchNorm2d(6), nn.ReLU(inplace=True)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5), nn.BatchNorm1d(5),
                         nn.Tanh(), nn.Linear(5, CLASSES))  # fmt: skip


RULED = {
    "plain": convolutions,
    "padded": lambda: convolutions(padding=1, bias=False),
    "strided": lambda: convolutions(padding=(1, 0), stride=2),
    "dilated": lambda: convolutions(dilation=2, padding=1),
    "grouped": lambda: convolutions(groups=2),
    "twice": Twice,
    "sequences": Sequences,
}
UNRULED = {
    "places": Places,
    "attention": Attention,
    "reflected": lambda: convolutions(padding=1, padding_mode="reflect"),
    "named padding": lambda: convolutions(padding="same", dilation=2),
}


def network(build) -> nn.Module:
    torch.manual_seed(0)
    model = build().double().eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(), module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight), nn.init.normal_(module.bias)
    return model


def samples(count: int = 7) -> Batch:
    x = torch.randn(count, 4, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return Batch(x, torch.arange(count) % CLASSES, torch.arange(count))


def outputs(model: nn.Module, batch: Batch) -> Tensor:
    return model(batch.x)


def slow_jacobian(model: nn.Module, batch: Batch) -> Tensor:
    rows = []
    for x in batch.x:
        for k in range(CLASSES):
            model.zero_grad()
            model(x[None])[0, k].backward()
            found = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
            rows.append(torch.cat([g.flatten() for g, p in zip(found, model.parameters(), strict=True)
                                   if p.requires_grad]))  # fmt: skip
    model.zero_grad()
    return torch.stack(rows).view(len(batch), CLASSES, -1)


@pytest.mark.parametrize("name", RULED)
def test_layer_rules_equal_the_loop(name: str) -> None:
    model = network(RULED[name])
    assert ruled_layers(model) is not None
    assert torch.allclose(
        jacobian(model, outputs, samples(), CLASSES), slow_jacobian(model, samples()), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", UNRULED)
def test_other_networks_go_by_vmap(name: str) -> None:
    model = network(UNRULED[name])
    assert ruled_layers(model) is None
    assert torch.allclose(
        jacobian(model, outputs, samples(), CLASSES), slow_jacobian(model, samples()), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("limit", ["NUMBERS", "DELTAS", "VMAP_NUMBERS"])
@pytest.mark.parametrize("name", ["plain", "places"])
def test_bounds_of_memory_do_not_change_the_result(name: str, limit: str, monkeypatch) -> None:
    model = network({**RULED, **UNRULED}[name])
    expected = slow_jacobian(model, samples())
    monkeypatch.setattr(per_sample, limit, 1)
    pieces = list(per_sample_gradients(model, outputs, samples(), per_sample.one_hot))
    assert torch.allclose(jacobian(model, outputs, samples(), CLASSES), expected, rtol=0, atol=1e-12)
    smallest = min(g.shape[0] * g.shape[1] for *_, g in pieces)
    assert smallest < len(samples()) * CLASSES or (name == "plain") == (limit == "VMAP_NUMBERS")


def test_frozen_parameters_are_left_out() -> None:
    model = network(RULED["plain"])
    model[0].weight.requires_grad_(False)
    found = jacobian(model, outputs, samples(), CLASSES)
    assert torch.allclose(found, slow_jacobian(model, samples()), rtol=0, atol=1e-12)
    assert found.shape[2] == sum(p.numel() for p in model.parameters()) - model[0].weight.numel()


def test_shared_weights_go_by_vmap() -> None:
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(36, 36), nn.Tanh(), nn.Linear(36, 36), nn.Linear(36, CLASSES)
    )
    model[3].weight = model[1].weight
    model = model.double().eval()
    assert ruled_layers(model) is None
    assert torch.allclose(
        jacobian(model, outputs, samples(), CLASSES), slow_jacobian(model, samples()), rtol=0, atol=1e-12
    )


def test_a_layer_that_is_not_used_has_zeros() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.spare, self.head = nn.Linear(36, 2), nn.Linear(36, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x.flatten(1))

    found = jacobian(network(Spare), outputs, samples(), CLASSES)
    assert torch.equal(found[..., :74], torch.zeros_like(found[..., :74]))
    assert found[..., 74:].abs().sum() > 0


def test_samples_that_mix_are_refused() -> None:
    model = network(RULED["plain"]).train()
    with pytest.raises(ValueError, match="evaluation mode"):
        jacobian(model, outputs, samples(), CLASSES)


def test_the_model_is_left_as_it_was() -> None:
    model = network(RULED["plain"])
    before = {name: t.clone() for name, t in model.state_dict().items()}
    jacobian(model, outputs, samples(), CLASSES)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert all(not m._forward_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
