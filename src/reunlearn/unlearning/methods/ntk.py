"""Scrubbing by the neural tangent kernel: the weights that a linearised network would have had without the forget set.

    J [n·K, P] = ∂z_ik/∂θ,   r = softmax(z) − one-hot(y),   λ the weight decay
    w(S) = −Jᵀ_S (J_S Jᵀ_S + |S| λ I)⁻¹ r_S          S = D (retain and forget) or retain
    Δ = w(retain) − w(D)
    e = θ − θ_init − w(retain);   s = 1 + 2 |cos(Δ, e)| |e| / |Δ|           trapezium trick
    θ ← θ + s Δ

Golatkar et al. 2020b; baseline of SCRUB and PGU. Sees: forget, retain, the weights that training started from.
Evaluation mode; BatchNorm's statistics do not change.

Memory, kernel form: J is never stored as a whole. Solving takes 3 (n K)² · 8 bytes; computing the kernel takes
(n K)² · 8 bytes and panels of J. With more `memory_mib` the panels grow and less is computed twice. If it does not
suffice, the method stops before it begins and says how much would; activations need further memory. For n = 2,000
samples of 10 classes it is 9,156 MiB; the released notebook holds J, 130 GB for the 1.6 million weights of All-CNN.

- In the theory J and r are those of the initial weights, the paper reading. The code reading is the authors'
  notebook, which computes them at the trained weights (`linearised_at`).
- n is the number of samples used. PGU could use 1,500 of the retain set: `retain_samples`, drawn at random.
- Samples are never augmented: each is read more than once and must be the same every time.
- λ: the notebook takes the weight decay of the training (0.1 there); here 0 does so, from the recipe.
- The trick's factor is sin(arccos c − π/2) for a cosine c < 0 and cos(arccos c) otherwise: |c| in both cases.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.data.batches import Batch, join
from reunlearn.gradients.flat import flatten, trainable, unflatten
from reunlearn.gradients.kernel import Panels, Take, kept, kernel, needed, plan, ridge, transposed_product
from reunlearn.training.state.initial_weights import read_into
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

MIB = 2**20
DIVERGENCES = (
    Divergence(
        "J and r",
        "computed at the initial weights, around which the network is linear in the theory",
        "computed at the trained weights",
    ),
)


@method(
    paper="Golatkar et al. 2020b (NTK); baseline of SCRUB, PGU",
    needs=Needs(
        forget=True, retain=True, state={"initial_weights": True}, weight_decay={"weight_decay": [0.0]}
    ),
    divergences=DIVERGENCES,
    capabilities=("outputs",),
)
@dataclass(frozen=True)
class NTKScrubbing:
    """Add the difference of two kernel regressions, made longer by the trapezium trick."""

    reading: str = "paper"
    weight_decay: float = hyper(
        0.0, "λ of both regressions; 0: the weight decay of the original's training (released)", ge=0
    )
    retain_samples: int = hyper(1500, "number of retain samples, drawn at random (PGU 1500); 0: all", ge=0)
    linearised_at: str = by_reading(
        "weights at which J and r are computed",
        paper="initial",
        code="trained",
        choices=("trained", "initial"),
    )
    trapezium: bool = hyper(True, "make Δ longer by the trapezium trick; off: s = 1")
    memory_mib: int = hyper(
        2048, "memory for the kernel and the panels of J, in MiB; too little is refused", ge=1
    )
    batch_size: int = hyper(256, "samples per batch of products with Jᵀ; changes the speed only", ge=1)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the scrubbed model."""
        model.eval()
        retain_rows = self.rows(task)
        retain = len(retain_rows)
        samples = retain + len(task.forget)
        shift = self.shift(task)
        start = read_into(copy.deepcopy(model), task.state["initial_weights"]).eval()
        linearised = model if chosen(self, "linearised_at") == "trained" else start

        def take(places: Tensor) -> Batch:
            retain_batch = task.retain.take(retain_rows[places[places < retain]])
            return join(retain_batch, task.forget.take(places[places >= retain] - retain))

        numbers = kept(linearised, task.objective.outputs, take, task.classes)
        panels = self.panels(samples, task.classes, numbers)
        kernel_RR = kernel(
            linearised, task.objective.outputs, take, samples=samples, classes=task.classes, panels=panels
        )
        r_NK = self.residuals(linearised, task, take, samples)
        w_all = self.solution(linearised, task, take, kernel_RR, r_NK, count=samples, shift=shift)
        w_retain = self.solution(linearised, task, take, kernel_RR, r_NK, count=retain, shift=shift)
        delta_P = w_retain - w_all
        moved_P = flatten([p.detach() for p in trainable(model)]) - flatten(
            [p.detach() for p in trainable(start)]
        )
        scale = trapezium(delta_P, moved_P - w_retain) if self.trapezium else 1.0
        with torch.no_grad():
            for parameter, step in zip(trainable(model), unflatten(delta_P, trainable(model)), strict=True):
                parameter.add_(scale * step)
        task.log(1, delta_norm=float(delta_P.norm()), scale=scale)
        return model

    def rows(self, task: Task) -> Tensor:
        """Return the rows of the retain set that are used, in order."""
        count = len(task.retain)
        if not 0 < self.retain_samples < count:
            return torch.arange(count)
        return torch.randperm(count, generator=task.generator)[: self.retain_samples].sort().values

    def shift(self, task: Task) -> float:
        """Return λ.

        Raises:
            UserError: λ would be 0.
        """
        decay = self.weight_decay or task.recipe.weight_decay
        if not decay:
            raise UserError(
                "ntk: the original was trained without weight decay; give ntk a weight_decay above 0"
            )
        return decay

    def panels(self, samples: int, outputs: int, numbers: int) -> Panels:
        """Return how many samples' Jacobians to hold at once, of so many numbers each.

        Raises:
            UserError: `memory_mib` is too small for the kernel.
        """
        least = needed(samples, outputs, numbers)
        if least > self.memory_mib * MIB:
            raise UserError(
                f"ntk: the kernel of {samples} samples of {outputs} classes takes {-(-least // MIB)} MiB; "
                f"memory_mib allows {self.memory_mib}: raise it, or lower retain_samples"
            )
        return plan(samples, outputs, numbers, self.memory_mib * MIB)

    def residuals(self, model: nn.Module, task: Task, take: Take, samples: int) -> Tensor:
        """Return softmax(z) − one-hot(y) [N, K] in float64."""
        parts = []
        with torch.no_grad():
            for rows in torch.arange(samples).split(self.batch_size):
                batch = take(rows)
                p_BK = task.objective.outputs(model, batch).double().softmax(dim=1)
                parts.append(p_BK - nn.functional.one_hot(batch.y, p_BK.shape[1]))
        return torch.cat(parts)

    def solution(
        self,
        model: nn.Module,
        task: Task,
        take: Take,
        kernel_RR: Tensor,
        r_NK: Tensor,
        *,
        count: int,
        shift: float,
    ) -> Tensor:
        """Return w(S) [P] for S = the first `count` samples."""
        width = r_NK.shape[1]
        part = kernel_RR[: count * width, : count * width]
        x_R = ridge(part, count * shift, r_NK[:count].flatten())
        return -transposed_product(
            model, task.objective.outputs, take, x_R.view(count, width), self.batch_size
        )


def trapezium(delta_P: Tensor, error_P: Tensor) -> float:
    """Return s = 1 + 2 |cos(Δ, e)| |e| / |Δ|; 1 where Δ is 0."""
    delta_P, error_P = delta_P.double(), error_P.double()
    square = float(delta_P @ delta_P)
    return 1 + 2 * abs(float(delta_P @ error_P)) / square if square else 1.0
