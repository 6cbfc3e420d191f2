"""Per-sample gradients layer by layer, from each layer's input and the gradient by its output.

A layer computes y = f(x; w). With δ = ∂s/∂y for a scalar s of each sample, ∂s/∂w needs x and δ only:

    linear        Σ_t δ_t x_tᵀ,  Σ_t δ_t                       over positions t, if the input has any
    convolution   Σ_l δ_l u_lᵀ,  Σ_l δ_l                       over places l with their patches u_l
    BatchNorm     Σ_l δ_l x̂_l,  Σ_l δ_l                        in evaluation mode, x̂ the normalised input
    LayerNorm     Σ_t δ_t x̂_t,  Σ_t δ_t

So one forward pass of a batch, and one backward pass down to the layers' outputs, are enough for all its samples.
Shapes: B samples, R scalars of each, δ [R, B, …].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

Rule = Callable[[nn.Module, Tensor, Tensor], dict[str, Tensor]]  # layer, x, δ → gradient of each parameter


def linear(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return the gradients of weight [B, R, O, D] and bias [B, R, O] from x [B, …, D] and δ [R, B, …, O]."""
    x_BTD, delta_RBTO = (
        x.reshape(len(x), -1, x.shape[-1]),
        delta.reshape(*delta.shape[:2], -1, delta.shape[-1]),
    )
    return _matrix(layer, x_BTD, delta_RBTO)


def _matrix(layer: nn.Module, x_BTD: Tensor, delta_RBTO: Tensor) -> dict[str, Tensor]:
    gradients = {"weight": torch.einsum("rbto,btd->brod", delta_RBTO, x_BTD)}
    if layer.bias is not None:
        gradients["bias"] = delta_RBTO.sum(2).transpose(0, 1)
    return gradients


def convolution(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return the gradients of kernel [B, R, *shape] and bias [B, R, O] from x [B, C, H, W] and δ [R, B, O, h, w]."""
    assert isinstance(layer, nn.Conv2d)
    count, groups = len(x), layer.groups
    if groups == 1 and layer.dilation == (1, 1):
        u_BLD, delta_BLRO = factors(layer, x, delta)
        rows = (delta_BLRO.flatten(2).mT @ u_BLD).unflatten(1, delta_BLRO.shape[2:])
        gradients = {"weight": in_order(layer, rows)}
        if layer.bias is not None:
            gradients["bias"] = delta.flatten(3).sum(3).transpose(0, 1)
        return gradients
    numbers = {"dilation": layer.dilation, "padding": layer.padding, "stride": layer.stride}
    patches_BDL = functional.unfold(x, layer.kernel_size, **numbers)  # type: ignore[arg-type]
    patches_BGDL = patches_BDL.view(count, groups, -1, patches_BDL.shape[-1])
    delta_BGRL = delta.flatten(3).transpose(0, 1).unflatten(2, (groups, -1))  # [B, R, G, O/G, L]
    rows = delta_BGRL.transpose(1, 2).flatten(2, 3)  # [B, G, R · O/G, L]
    blocks = (rows @ patches_BGDL.transpose(2, 3)).unflatten(2, (len(delta), -1))
    gradients = {"weight": blocks.transpose(1, 2).reshape(count, len(delta), *layer.weight.shape)}
    if layer.bias is not None:
        gradients["bias"] = delta.flatten(3).sum(3).transpose(0, 1)
    return gradients


def patches(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Return the patches [B, places, kernel height, kernel width, C] of a convolution without dilation.

    Channels come last, as images lie in memory, so that they are copied in long runs: several times as fast as
    functional.unfold.
    """
    (high, wide), (down, right) = layer.kernel_size, layer.stride
    vertical, horizontal = (int(size) for size in layer.padding)
    padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, horizontal, horizontal, vertical, vertical))
    windows = padded.unfold(1, high, down).unfold(2, wide, right)  # [B, rows, columns, C, high, wide]
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(1, 2).contiguous()


def places(layer: nn.Module, delta: Tensor) -> int | None:
    """Return the number of places L of δ [R, B, …] where the gradient is Σ_l δ_l u_lᵀ; None where it is not."""
    if type(layer) is nn.Linear:
        return delta[0, 0].numel() // delta.shape[-1]
    plain = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.dilation == (1, 1)
    return delta[0, 0, 0].numel() if plain else None


def factors(layer: nn.Module, x: Tensor, delta: Tensor) -> tuple[Tensor, Tensor]:
    """Return u [B, L, D], in the order in which patches lie in memory, and δ [B, L, R, O] of a layer that has places.

    Σ_l δ_l u_lᵀ [O, D] then are gradients of the weight in an order of their own: see `in_order`.
    """
    if isinstance(layer, nn.Conv2d):
        return patches(layer, x).flatten(2), delta.flatten(3).permute(1, 3, 0, 2).contiguous()
    delta_RBLO = delta.reshape(*delta.shape[:2], -1, delta.shape[-1])
    return x.reshape(len(x), -1, x.shape[-1]), delta_RBLO.permute(1, 2, 0, 3).contiguous()


def in_order(layer: nn.Module, value: Tensor) -> Tensor:
    """Return numbers [..., O, D] made from `factors` as [..., *shape] of the layer's weight."""
    if not isinstance(layer, nn.Conv2d):
        return value
    high, wide = layer.kernel_size
    return value.unflatten(-1, (high, wide, -1)).movedim(-1, -3)


def batch_norm(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return the gradients of scale and shift [B, R, C] from x [B, C, …] and δ [R, B, C, …]."""
    assert isinstance(layer, _BatchNorm) and layer.running_mean is not None and layer.running_var is not None
    wide = (1, -1) + (1,) * (x.dim() - 2)
    spread = (layer.running_var + layer.eps).sqrt().view(wide)
    normal = (x - layer.running_mean.view(wide)) / spread
    gradients = {"weight": (delta * normal).flatten(3).sum(3) if x.dim() > 2 else delta * normal}
    gradients["bias"] = delta.flatten(3).sum(3) if x.dim() > 2 else delta
    return {name: value.transpose(0, 1) for name, value in gradients.items()}


def layer_norm(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return the gradients of scale and shift [B, R, *shape] from x [B, …, *shape] and δ [R, B, …, *shape]."""
    assert isinstance(layer, nn.LayerNorm)
    normal = functional.layer_norm(x, layer.normalized_shape, eps=layer.eps)
    between = tuple(range(2, delta.dim() - len(layer.normalized_shape)))
    gradients = {"weight": delta * normal, "bias": delta}
    if between:
        gradients = {name: value.sum(between) for name, value in gradients.items()}
    return {name: value.transpose(0, 1) for name, value in gradients.items()}


def rule_of(layer: nn.Module) -> Rule | None:
    """Return the rule for a layer in its present mode (training or evaluation); None if there is no rule."""
    if type(layer) is nn.Linear:
        return linear
    if type(layer) is nn.Conv2d:
        return convolution if layer.padding_mode == "zeros" and not isinstance(layer.padding, str) else None
    if isinstance(layer, _BatchNorm):
        return batch_norm if not layer.training and layer.running_mean is not None else None
    return layer_norm if type(layer) is nn.LayerNorm else None


def ruled_layers(model: nn.Module) -> dict[str, nn.Module] | None:
    """Return the layers with trainable parameters, by name; None if one has no rule or two share a parameter."""
    layers = {}
    count = 0
    for name, layer in model.named_modules():
        parameters = [p for p in layer.parameters(recurse=False) if p.requires_grad]
        if parameters:
            if rule_of(layer) is None:
                return None
            layers[name] = layer
            count += len(parameters)
    shared = count != len([p for p in model.parameters() if p.requires_grad])
    return None if shared else layers
