"""The derivative of each sample's loss along directions of the weights, for a whole batch at once.

    g_b · v,   g_b = ∂ℓ_b/∂θ

By the layers' formulas (layer_rules.py) where every layer with parameters has one: a forward pass, a backward pass down
to the layers' outputs, and for each direction one more pass through each layer alone. Else by forward differentiation,
which takes the forward pass anew for each direction and passes through each layer twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import jvp
from torch.nn import functional

from reunlearn.data.batches import Batch
from reunlearn.gradients.attention import plain_attention
from reunlearn.gradients.displaced import Displaced
from reunlearn.gradients.flat import unflatten
from reunlearn.gradients.layer_rules import rule_of, ruled_layers
from reunlearn.gradients.taps import tapped

Losses = Callable[[nn.Module, Batch], Tensor]  # the loss of each sample [B]


def along(model: nn.Module, losses: Losses, batch: Batch, directions: Sequence[Tensor]) -> list[Tensor]:
    """Return g·v [B] of each sample's loss gradient g, for each direction v [P].

    Args:
        model: in evaluation mode; left as it is.
        losses: of each sample of a batch; each depends on its own sample only.
        batch: B samples.
        directions: over the trainable parameters, in the model's order.
    """
    named = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    moved = [dict(zip(named, unflatten(v_P, list(named.values())), strict=True)) for v_P in directions]
    layers = ruled_layers(model)
    if layers is None:
        return [_forward(model, losses, batch, named, each) for each in moved]
    return _by_layers(model, layers, losses, batch, moved)


def _by_layers(
    model: nn.Module,
    layers: dict[str, nn.Module],
    losses: Losses,
    batch: Batch,
    directions: list[dict[str, Tensor]],
) -> list[Tensor]:
    with tapped(layers) as taps, torch.enable_grad():
        loss_B = losses(model, batch)
    zeros = [zero for calls in taps.values() for _, zero in calls]
    deltas = iter(torch.autograd.grad(loss_B.sum(), zeros, allow_unused=True))
    total_DB = torch.zeros(len(directions), *loss_B.shape, dtype=loss_B.dtype, device=loss_B.device)
    with torch.no_grad():
        for name, layer in layers.items():
            prefix = f"{name}." if name else ""
            keys = [key for key, p in layer.named_parameters(recurse=False) if p.requires_grad]
            theirs = {key: torch.stack([each[prefix + key] for each in directions]) for key in keys}
            for x, _ in taps[name]:
                delta = next(deltas)
                if delta is not None:
                    total_DB += _of_layer(layer, x, delta, theirs)
    return list(total_DB)


def _of_layer(layer: nn.Module, x: Tensor, delta: Tensor, directions: dict[str, Tensor]) -> Tensor:
    """Return the part [D, B] of a layer with input x [B, …] and δ [B, …]; directions [D, *shape] by parameter.

    A layer y = W x + b changes its output by V x as W moves along V; the derivative is δ · V x, and no gradient of a
    single sample, which is as large as W, is made. Those of scales and shifts are small.
    """
    weight = directions.get("weight")
    if weight is not None and isinstance(layer, nn.Linear):
        return _biased(
            functional.linear(x, weight.flatten(0, 1)).unflatten(-1, weight.shape[:2]).movedim(-2, 0),
            delta,
            directions,
        )
    if weight is not None and isinstance(layer, nn.Conv2d) and layer.groups == 1:
        changed = functional.conv2d(
            x, weight.flatten(0, 1), None, layer.stride, layer.padding, layer.dilation
        )
        return _biased(changed.unflatten(1, weight.shape[:2]).movedim(1, 0), delta, directions)
    rule = rule_of(layer)
    assert rule is not None
    gradients = rule(layer, x, delta[None])
    return (
        torch.stack(
            [gradients[key][:, 0].flatten(1) @ value.flatten(1).T for key, value in directions.items()]
        )
        .sum(0)
        .T
    )


def _biased(change: Tensor, delta: Tensor, directions: dict[str, Tensor]) -> Tensor:
    """Return δ · (change + direction of the bias) [D, B]."""
    found = (change * delta).flatten(2).sum(2)
    if "bias" in directions:
        by_channel = (
            delta.flatten(2).sum(2)
            if delta.dim() == 4
            else delta.reshape(len(delta), -1, delta.shape[-1]).sum(1)
        )
        found = found + directions["bias"] @ by_channel.T
    return found


def _forward(
    model: nn.Module, losses: Losses, batch: Batch, named: dict[str, Tensor], direction: dict[str, Tensor]
) -> Tensor:
    with plain_attention(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)  # torch itself uses it
        values = jvp(lambda weights: losses(Displaced(model, weights), batch), (named,), (direction,))
    return values[1].detach()  # the derivatives; values[0] are the losses
