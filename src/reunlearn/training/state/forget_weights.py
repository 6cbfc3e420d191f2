"""How hard each training sample is to forget: weights w that a bi-level optimisation finds from the original.

    min_w Σ wᵢ ℓ(θ(w); zᵢ) + γ ‖w‖²      over w ∈ [0, 1]^N with Σ wᵢ = m
    θ(w): the original, fine-tuned on Σ (1 − wᵢ) ℓ(θ; zᵢ) by signs of gradients, θ ← θ − β sign(∇θ)

Fan, Liu, Hero and Liu 2024, 'Challenging Forgets: Unveiling the Worst-Case Forget Sets in Machine Unlearning'. The
signs do not change with w almost everywhere, so the gradient of the upper problem is ℓ(θ(w); zᵢ) + 2γ wᵢ: nothing is
derived through the lower one. After each step w is projected onto the constraints. The samples with large weights are
those that a model which was to forget them still knows best: the hardest to forget.

From the released code: fine-tuning as the lower problem (its example; others can be chosen there), which begins at
the original anew for each step of w; two steps above with a rate of 0.01, two passes below each of them with one of
0.001, γ = 0 (its example for ResNet-18 on CIFAR-10); the m largest weights in the end. Our reading: w begins at m/N
everywhere, there at a random set; the signs have neither momentum nor weight decay, there 0.9 and 5e-4; the losses
above are those of the network in evaluation mode, without augmentation.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective
from reunlearn.training.batch_sizes import MEASURING, batch_size
from reunlearn.training.state.registry import FILE, StateRequest
from reunlearn.training.tensor_files import write_tensors

BISECTIONS = 60  # of the interval of the projection's shift: beyond double precision


def write(request: StateRequest) -> dict[str, Any]:
    """Write state.safetensors: index [N], official training numbers; weight [N], float64, in [0, 1], of sum m.

    Raises:
        ValueError: no scenario says how many samples are to be forgotten, or the losses are not finite.
    """
    scenario: Any = request.scenario
    if scenario is None:
        raise ValueError("forget_weights needs the scenario that reads it")
    samples, count = request.samples, scenario.number(len(request.samples))
    generator = torch.Generator().manual_seed(request.seed)
    weight_N = torch.full((len(samples),), count / len(samples), dtype=torch.float64)
    upper = []
    for _ in range(scenario.iterations):
        model = copy.deepcopy(request.model)
        for _ in range(scenario.epochs):
            _fine_tune(model, request, weight_N, scenario.learning_rate, generator)
        loss_N = losses(model, samples, request.objective, generator)
        if not loss_N.isfinite().all():
            raise ValueError("the unlearned model has diverged; lower the 'learning_rate' of the scenario")
        weight_N = weight_N - scenario.weight_rate * (loss_N + 2 * scenario.gamma * weight_N)
        weight_N = projected(weight_N, count)
        upper.append(float((weight_N * loss_N).sum()))
    write_tensors(request.folder / FILE, {"index": samples.index.cpu(), "weight": weight_N})
    return {"upper_losses": upper}


def _fine_tune(
    model: nn.Module, request: StateRequest, weight_N: Tensor, rate: float, generator: torch.Generator
) -> None:
    """Take one pass over the augmented training set, each sample weighted by 1 − w, by signs of gradients."""
    model.train()
    samples, objective = request.samples, request.objective
    parameters = [p for p in model.parameters() if p.requires_grad]
    for rows in samples.rows(request.recipe.batch_size, generator):
        batch = samples.take(rows, generator)
        losses_B = objective.per_sample_loss(model, batch, objective.draw(batch, generator))
        stays_B = (1 - weight_N[rows.cpu()]).to(losses_B)
        gradients = torch.autograd.grad((stays_B * losses_B).sum(), parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter.sub_(rate * gradient.sign())


@torch.no_grad()
def losses(model: nn.Module, samples: Samples, objective: Objective, generator: torch.Generator) -> Tensor:
    """Return the loss of each sample [N], float64 on the CPU, the network in evaluation mode."""
    model.eval()
    batches = samples.batches(batch_size(MEASURING, samples))
    parts = [
        objective.per_sample_loss(model, b, objective.draw(b, generator)).double().cpu() for b in batches
    ]
    return torch.cat(parts)


def projected(value_N: Tensor, count: int) -> Tensor:
    """Return the point of {w ∈ [0, 1]^N, Σ wᵢ = count} that is nearest to a value [N], float64.

    It is value − μ, clipped to [0, 1], with the shift μ that gives the sum; μ is found by halving an interval.
    """
    low, high = value_N.min() - 1, value_N.max()
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if (value_N - middle).clamp(0, 1).sum() > count:
            low = middle
        else:
            high = middle
    return (value_N - (low + high) / 2).clamp(0, 1)
