"""PGU's core gradient space from dense input matrices. Paper 3.2.2, equations 2-3; METHODS 1.4, 7.1, 7.2.

Order of operations, per convolution or linear layer (grouped convolutions are not supported):
 1. Model in eval mode (dropout off, BatchNorm on running statistics). The input of the layer is caught in
    every forward. Linear: each sample's input is one vector r, no bias entry. Convolution: the input is
    zero-padded with the layer's padding, and every kernel-sized window is one vector r, with STRIDE 1 and
    dilation 1 whatever the layer's own are; entries ordered channel, row, column, as in
    ``weight.flatten(1)``.
 2. C = sum over all vectors of r r^T (a sum, not a mean), float64.
 3. Eigenvectors U and eigenvalues; sigma = sqrt(|eigenvalue|) (released: SVD) or, ``indefinite="clamp"``,
    sqrt(max(eigenvalue, 0)); sorted with the largest sigma first.
 4. Retain: C_r = U diag(sigma^2) U^T of the stored pair - C_f; then step 3 again.
 5. k = number of i with cumsum(sigma)_i / sum(sigma) <= gamma, plus ``extra`` (0 in data removal, 1 in
    class removal); sums of sigma, not of sigma^2. ``rule="paper"``: the smallest k with cumsum >= gamma *
    sum. M = first k columns of U; P = M M^T. ``cast``: P rounded to float32 and back, as released.

A space is {layer name: (U, sigma)}; bases are {layer name: M}; ``gamma`` a number or {layer name: number}
with the key "" for all other layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch

Space = dict[str, tuple[Tensor, Tensor]]


def weight_layers(model: nn.Module) -> list[str]:
    """Names of all Conv2d and Linear layers in the model's order."""
    return [name for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def input_vectors(layer: nn.Module, x: Tensor) -> Tensor:
    """All input vectors of one layer as rows, by explicit patch extraction."""
    if isinstance(layer, nn.Linear):
        return x.reshape(-1, x.shape[-1])
    samples, channels, height, width = x.shape
    pad_h, pad_w = layer.padding
    k_h, k_w = layer.kernel_size
    padded = x.new_zeros(samples, channels, height + 2 * pad_h, width + 2 * pad_w)
    padded[:, :, pad_h : pad_h + height, pad_w : pad_w + width] = x
    rows = []
    for n in range(samples):
        for i in range(padded.shape[2] - k_h + 1):
            for j in range(padded.shape[3] - k_w + 1):
                rows.append(padded[n, :, i : i + k_h, j : j + k_w].reshape(-1))
    return torch.stack(rows)


def second_moments(model: nn.Module, batches: Sequence[Batch], layers: Sequence[str] | None = None) -> dict:
    """Steps 1 and 2: {layer name: sum of r r^T}."""
    names = weight_layers(model) if layers is None else list(layers)
    caught: dict[str, Tensor] = {}

    def catcher(name: str):
        def catch(module: nn.Module, inputs: tuple) -> None:
            caught[name] = inputs[0].detach()

        return catch

    hooks = [model.get_submodule(name).register_forward_pre_hook(catcher(name)) for name in names]
    modes = {name: module.training for name, module in model.named_modules()}
    model.eval()
    moments: dict[str, Tensor] = {}
    for x, _ in batches:
        with torch.no_grad():
            model(x)
        for name in names:
            r = input_vectors(model.get_submodule(name), caught[name]).double()
            moments[name] = moments.get(name, 0.0) + r.T @ r
    for hook in hooks:
        hook.remove()
    for name, module in model.named_modules():
        module.training = modes[name]
    return moments


def decompose(moment: Tensor, indefinite: str = "absolute") -> tuple[Tensor, Tensor]:
    """Step 3: eigenvectors as columns and sigma, largest first."""
    values, vectors = torch.linalg.eigh((moment + moment.T) / 2)
    sigma = (values.abs() if indefinite == "absolute" else values.clamp(min=0.0)).sqrt()
    order = torch.argsort(sigma, descending=True, stable=True)
    return vectors[:, order], sigma[order]


def full_space(model: nn.Module, batches: Sequence[Batch], layers: Sequence[str] | None = None) -> Space:
    """The cached training-time state: one decomposition per layer over the full training set."""
    return {name: decompose(c) for name, c in second_moments(model, batches, layers).items()}


def retain_space(space: Space, forget_moments: Mapping[str, Tensor], indefinite: str = "absolute") -> Space:
    """Step 4: subtract the forget set's moments from the stored space."""
    result = {}
    for name, (u, sigma) in space.items():
        result[name] = decompose(u @ torch.diag(sigma**2) @ u.T - forget_moments[name], indefinite)
    return result


def rank(sigma: Tensor, gamma: float, *, extra: int = 0, rule: str = "code") -> int:
    """Step 5: how many basis vectors the core gradient space keeps."""
    total, running, k = float(sigma.sum()), 0.0, 0
    for s in sigma.tolist():
        running += s
        if rule == "paper":
            k += 1
            if running >= gamma * total:
                break
        elif running / total <= gamma:
            k += 1
    return min(k + (0 if rule == "paper" else extra), len(sigma))


def core_bases(
    space: Space, gamma: float | Mapping[str, float], *, extra: int = 0, rule: str = "code"
) -> dict[str, Tensor]:
    """M of every layer."""
    bases = {}
    for name, (u, sigma) in space.items():
        share = gamma.get(name, gamma.get("")) if isinstance(gamma, Mapping) else gamma
        bases[name] = u[:, : rank(sigma, share, extra=extra, rule=rule)]
    return bases


def projections(bases: Mapping[str, Tensor], cast: bool = False) -> dict[str, Tensor]:
    """P = M M^T of every layer, rounded to float32 and back if ``cast``."""
    result = {}
    for name, m in bases.items():
        p = m @ m.T
        result[name] = p.float().double() if cast else p
    return result


def orthogonal_gradient(gradient: Tensor, projection: Tensor) -> Tensor:
    """Equation 4: G - G P on the weight reshaped to outputs x (inputs * kernel)."""
    g = gradient.reshape(gradient.shape[0], -1)
    return (g - g @ projection).reshape(gradient.shape)
