"""How the gradients of single samples lie to a direction, and to their own of earlier weights; none is stored.

⟨g_b, v⟩ for each sample b and direction v          cos(g_b(θ), g_b(θ′)) for each sample b and two models
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.label_fisher import single_output
from reunlearn.gradients.per_sample import Outputs, per_sample_gradients


def products(
    model: nn.Module, losses: Outputs, batch: Batch, directions: Sequence[Sequence[Tensor]]
) -> Tensor:
    """Return ⟨∂ℓ_b/∂θ, v⟩ as [B, D].

    Args:
        model: in evaluation mode; left as it is.
        losses: ℓ [B, 1] of a batch; each row depends on its own sample only.
        batch: B samples.
        directions: D lists of tensors, one per trainable parameter.
    """
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    tensors = zip(*directions, strict=True)
    along = {n: torch.stack([v.flatten() for v in vs]) for n, vs in zip(names, tensors, strict=True)}
    total_BD = batch.x.new_zeros((len(batch), len(directions)), dtype=next(iter(along.values())).dtype)
    for name, part, _, gradient in per_sample_gradients(model, losses, batch, single_output):
        total_BD[part] += gradient.flatten(1) @ along[name].T
    return total_BD


def cosines(model: nn.Module, other: nn.Module, losses: Outputs, batch: Batch) -> Tensor:
    """Return cos(∂ℓ_b/∂θ at the weights of one model, the same at those of the other) [B]; NaN where one is zero.

    Args:
        model, other: of one architecture, in evaluation mode; left as they are.
        losses: ℓ [B, 1] of a batch.
        batch: B samples.
    """
    both = zip(*(per_sample_gradients(m, losses, batch, single_output) for m in (model, other)), strict=True)
    product_B, norm_B, other_norm_B = (torch.zeros(len(batch), device=batch.y.device) for _ in range(3))
    for (_, part, _, gradient), (_, _, _, earlier) in both:
        g_BP, h_BP = gradient.flatten(1), earlier.flatten(1)
        product_B[part] += (g_BP * h_BP).sum(dim=1)
        norm_B[part] += g_BP.square().sum(dim=1)
        other_norm_B[part] += h_BP.square().sum(dim=1)
    return product_B / (norm_B * other_norm_B).sqrt()
