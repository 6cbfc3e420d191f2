"""Per-sample gradients layer by layer: what a layer saw and what came back to it give each sample's own gradient.

A layer computes y = f(x; w). With δ = ∂s/∂y for a scalar s of each sample, ∂s/∂w needs x and δ alone:

    linear        Σ_t δ_t x_tᵀ,  Σ_t δ_t                       over positions t, if the input has any
    convolution   Σ_l δ_l u_lᵀ,  Σ_l δ_l                       over places l with their patches u_l
    BatchNorm     Σ_l δ_l x̂_l,  Σ_l δ_l                        in evaluation mode, x̂ the normalised input
    LayerNorm     Σ_t δ_t x̂_t,  Σ_t δ_t

So one forward pass of a batch, and one backward pass that stops at the layers' outputs, serve every sample of it.
Shapes: B samples, R scalars of each, δ [R, B, …].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

Rule = Callable[[nn.Module, Tensor, Tensor], dict[str, Tensor]]


def linear(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return the weight's [B, R, O, D] and the bias's [B, R, O] from x [B, …, D] and δ [R, B, …, O]."""
    x_BTD, delta_RBTO = (
        x.reshape(len(x), -1, x.shape[-1]),
        delta.reshape(*delta.shape[:2], -1, delta.shape[-1]),
    )
    return _matrix(layer, x_BTD, delta_RBTO)


def _matrix(layer: nn.Module, x_BTD: Tensor, delta_RBTO: Tensor) -> dict[str, Tensor]:
    found = {"weight": torch.einsum("rbto,btd->brod", delta_RBTO, x_BTD)}
    if layer.bias is not None:
        found["bias"] = delta_RBTO.sum(2).transpose(0, 1)
    return found


def convolution(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return the kernel's [B, R, *shape] and the bias's [B, R, O] from x [B, C, H, W] and δ [R, B, O, h, w]."""
    assert isinstance(layer, nn.Conv2d)
    numbers = {"dilation": layer.dilation, "padding": layer.padding, "stride": layer.stride}
    patches_BDL = functional.unfold(x, layer.kernel_size, **numbers)  # type: ignore[arg-type]
    count, groups = len(x), layer.groups
    patches_BGDL = patches_BDL.view(count, groups, -1, patches_BDL.shape[-1])
    delta_BGRL = delta.flatten(3).transpose(0, 1).unflatten(2, (groups, -1))  # [B, R, G, O/G, L]
    rows = delta_BGRL.transpose(1, 2).flatten(2, 3)  # [B, G, R · O/G, L]
    blocks = (rows @ patches_BGDL.transpose(2, 3)).unflatten(2, (len(delta), -1))
    found = {"weight": blocks.transpose(1, 2).reshape(count, len(delta), *layer.weight.shape)}
    if layer.bias is not None:
        found["bias"] = delta.flatten(3).sum(3).transpose(0, 1)
    return found


def batch_norm(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return scale's and shift's [B, R, C] from x [B, C, …] and δ [R, B, C, …]."""
    assert isinstance(layer, _BatchNorm) and layer.running_mean is not None and layer.running_var is not None
    wide = (1, -1) + (1,) * (x.dim() - 2)
    spread = (layer.running_var + layer.eps).sqrt().view(wide)
    normal = (x - layer.running_mean.view(wide)) / spread
    found = {"weight": (delta * normal).flatten(3).sum(3) if x.dim() > 2 else delta * normal}
    found["bias"] = delta.flatten(3).sum(3) if x.dim() > 2 else delta
    return {name: value.transpose(0, 1) for name, value in found.items()}


def layer_norm(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Return scale's and shift's [B, R, *shape] from x [B, …, *shape] and δ [R, B, …, *shape]."""
    assert isinstance(layer, nn.LayerNorm)
    normal = functional.layer_norm(x, layer.normalized_shape, eps=layer.eps)
    between = tuple(range(2, delta.dim() - len(layer.normalized_shape)))
    found = {"weight": delta * normal, "bias": delta}
    if between:
        found = {name: value.sum(between) for name, value in found.items()}
    return {name: value.transpose(0, 1) for name, value in found.items()}


def rule_of(layer: nn.Module) -> Rule | None:
    """Return the rule of a layer in the mode that it is in; None where none is known."""
    if type(layer) is nn.Linear:
        return linear
    if type(layer) is nn.Conv2d:
        return convolution if layer.padding_mode == "zeros" and not isinstance(layer.padding, str) else None
    if isinstance(layer, _BatchNorm):
        return batch_norm if not layer.training and layer.running_mean is not None else None
    return layer_norm if type(layer) is nn.LayerNorm else None


def ruled_layers(model: nn.Module) -> dict[str, nn.Module] | None:
    """Return the layers that hold trainable parameters, by name; None unless a rule is known for all of them."""
    found = {}
    owned = 0
    for name, layer in model.named_modules():
        own = [p for p in layer.parameters(recurse=False) if p.requires_grad]
        if own:
            if rule_of(layer) is None:
                return None
            found[name] = layer
            owned += len(own)
    shared = owned != len([p for p in model.parameters() if p.requires_grad])
    return None if shared else found
