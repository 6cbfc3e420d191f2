"""The recursion of WoodFisher influence unlearning, as released and as meant, without storing any gradient.

As released:

    o ← g₀;  k ← v;   for each further sample:   t = o·g;   k ← k − (k·g)/(N + t) o;   o ← o − t/(N + t) o

The recursion only scales o, so that o = c g₀ and k = v + b g₀ throughout. From each sample it needs only g·v and g·g₀,
the derivatives of its loss along two fixed directions (directional.py), and no gradient of a single sample. The result
is always v moved along the first sample's gradient, however many samples follow.

As meant (Singh and Alistarh 2020), where o is B g with B the present estimate of the inverse, every sample counts:

    k = (I + GᵀG/N)⁻¹ v = v − Gᵀ (N I + G Gᵀ)⁻¹ G v          G [n, P]: one gradient per row

G v are directional derivatives again, G Gᵀ is computed in panels (kernel.py), Gᵀ x by one backward pass of Σ x_i ℓ_i.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.directional import Losses, along
from reunlearn.gradients.flat import flatten
from reunlearn.gradients.kernel import Panels, kernel, ridge, transposed_product
from reunlearn.gradients.per_sample import Outputs


def recursion(along_v_N: Tensor, along_first_N: Tensor, size: float) -> float:
    """Return b of k = v + b g₀ after all samples.

    Args:
        along_v_N: g·v of the samples after the first.
        along_first_N: g·g₀ of the same samples.
        size: N.
    """
    scale, b = 1.0, 0.0
    for along_v, along_first in zip(along_v_N.tolist(), along_first_N.tolist(), strict=True):
        share = scale / (size + scale * along_first)
        b -= (along_v + b * along_first) * share
        scale -= scale * along_first * share
    return b


def wood_fisher(
    model: nn.Module, losses: Losses, batches: Iterable[Batch], v_P: Tensor, size: float
) -> Tensor:
    """Return k [P], which the released code uses in place of H⁻¹ v.

    Args:
        model: in evaluation mode; left as it is.
        losses: of each sample of a batch.
        batches: the samples in their order; the first sample only gives g₀.
        v_P: over the trainable parameters, in the model's order.
        size: N.
    """
    first_P: Tensor | None = None
    parts: list[list[Tensor]] = []
    for batch in batches:
        if first_P is None:
            first_P = first_gradient(model, losses, batch)
        parts.append(along(model, losses, batch, (v_P, first_P)))
    if first_P is None:
        raise ValueError("the recursion needs at least one sample")
    along_v_N, along_first_N = (torch.cat(part)[1:] for part in zip(*parts, strict=True))
    return v_P + recursion(along_v_N, along_first_N, size) * first_P


def first_gradient(model: nn.Module, losses: Losses, batch: Batch) -> Tensor:
    """Return the gradient [P] of the first sample's loss."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    first = Batch(batch.x[:1], batch.y[:1], batch.index[:1])
    return flatten(torch.autograd.grad(losses(model, first)[0], parameters, materialize_grads=True))


def as_column(losses: Losses) -> Outputs:
    """Return the losses as a network's only output, [B, 1]."""
    return lambda model, batch: losses(model, batch)[:, None]


def wood_fisher_inverse(
    model: nn.Module,
    losses: Losses,
    samples: Batch,
    v_P: Tensor,
    *,
    size: float,
    panels: Panels,
    batch_size: int,
) -> Tensor:
    """Return (I + GᵀG/N)⁻¹ v [P], the result of the recursion over all samples as it is meant.

    Args:
        model: in evaluation mode; left as it is.
        losses: of each sample of a batch.
        samples: all n of them; their order does not matter.
        v_P: over the trainable parameters, in the model's order.
        size: N.
        panels: how many gradients are in memory at once; see kernel.needed for the memory.
        batch_size: samples per pass where no single gradients are computed.
    """

    def take(places: Tensor) -> Batch:
        return Batch(samples.x[places], samples.y[places], samples.index[places])

    column = as_column(losses)
    gram_NN = kernel(model, column, take, samples=len(samples), classes=1, panels=panels)
    parts = torch.arange(len(samples)).split(batch_size)
    along_v_N = torch.cat([along(model, losses, take(rows), (v_P,))[0] for rows in parts])
    x_N = ridge(gram_NN, size, along_v_N.double())
    return v_P - transposed_product(model, column, take, x_N[:, None], batch_size)
