"""PGU's core gradient space from dense input matrices: section 3.2.2 of the paper, Eq. 2 to 4.

In this order, per convolution or linear layer (grouped convolutions are not supported):
 1. Model in evaluation mode (no dropout, BatchNorm on running statistics). The input of the layer is caught in every
    forward. Linear: each sample's input is one vector r, without an entry for the bias. Convolution: the input is
    padded with zeros as the layer does it, and every kernel-sized window is one vector r, with STRIDE 1 and dilation 1
    whatever the layer's own are; entries ordered channel, row, column, as in `weight.flatten(1)`.
 2. C = Σ over all vectors of r rᵀ (a sum, not a mean).
 3. Eigenvectors U and eigenvalues; σ = sqrt(|eigenvalue|) ("absolute", released: an SVD) or sqrt(max(eigenvalue, 0))
    ("clamp"); sorted, the largest σ first.
 4. Retain: C_r = U diag(σ²) Uᵀ of the stored pair − C_f; then step 3 again.
 5. k = number of i with cumsum(σ)_i / sum(σ) <= gamma, plus `extra` (0 in data removal, 1 in class removal); sums of σ,
    not of σ². `rule="paper"`: the smallest k with cumsum >= gamma · sum. M = first k columns of U; P = M Mᵀ.

A space is {layer name: (U, σ)}; bases are {layer name: M}; `gamma` is a number or {layer name: number} with the key ""
for all other layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ._modes import evaluating
from ._samples import Batch
from ._weights import Tensors

Space = dict[str, tuple[Tensor, Tensor]]
Gamma = float | Mapping[str, float]


def weight_layers(model: nn.Module) -> list[str]:
    """Return the names of all Conv2d and Linear layers in the model's order."""
    return [name for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def input_vectors(layer: nn.Module, x: Tensor) -> Tensor:
    """Return all input vectors of one layer as rows, by explicit extraction of windows."""
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


def second_moments(model: nn.Module, batches: Sequence[Batch]) -> Tensors:
    """Return {layer name: Σ r rᵀ} (steps 1 and 2)."""
    names = weight_layers(model)
    caught: Tensors = {}

    def catcher(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def catch(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            caught[name] = inputs[0].detach()

        return catch

    hooks = [model.get_submodule(name).register_forward_pre_hook(catcher(name)) for name in names]
    moments: Tensors = {}
    with evaluating(model), torch.no_grad():
        for x, _ in batches:
            model(x)
            for name in names:
                r = input_vectors(model.get_submodule(name), caught[name]).double()
                moments[name] = moments.get(name, 0.0) + r.T @ r
    for hook in hooks:
        hook.remove()
    return moments


def decompose(moment: Tensor, indefinite: str = "absolute") -> tuple[Tensor, Tensor]:
    """Return eigenvectors as columns and σ, the largest first (step 3)."""
    values, vectors = torch.linalg.eigh((moment + moment.T) / 2)
    sigma = (values.abs() if indefinite == "absolute" else values.clamp(min=0.0)).sqrt()
    order = torch.argsort(sigma, descending=True, stable=True)
    return vectors[:, order], sigma[order]


def full_space(model: nn.Module, batches: Sequence[Batch]) -> Space:
    """Return what is kept from training: one decomposition per layer over the full training set."""
    return {name: decompose(c) for name, c in second_moments(model, batches).items()}


def retain_space(space: Space, forget_moments: Tensors, indefinite: str = "absolute") -> Space:
    """Return the space without the forget set's moments (step 4)."""
    result = {}
    for name, (u, sigma) in space.items():
        result[name] = decompose(u @ torch.diag(sigma**2) @ u.T - forget_moments[name], indefinite)
    return result


def rank(sigma: Tensor, gamma: float, *, extra: int = 0, rule: str = "code") -> int:
    """Return how many basis vectors the core gradient space keeps (step 5)."""
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


def core_bases(space: Space, gamma: Gamma, *, extra: int = 0, rule: str = "code") -> Tensors:
    """Return M of every layer."""
    bases = {}
    for name, (u, sigma) in space.items():
        share = gamma.get(name, gamma.get("")) if isinstance(gamma, Mapping) else gamma
        bases[name] = u[:, : rank(sigma, share, extra=extra, rule=rule)]
    return bases


def projections(bases: Tensors) -> Tensors:
    """Return P = M Mᵀ of every layer."""
    return {name: m @ m.T for name, m in bases.items()}


def orthogonal_gradient(gradient: Tensor, projection: Tensor) -> Tensor:
    """Return G − G P, the weight seen as outputs × (inputs · kernel) (Eq. 4)."""
    g = gradient.reshape(gradient.shape[0], -1)
    return (g - g @ projection).reshape(gradient.shape)
