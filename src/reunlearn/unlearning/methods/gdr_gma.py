"""Two gradients, rectified so that they do not conflict and mixed by how far the retain loss has drifted.

    a = −∇CE(θ; forget batch)     d = ∇CE(θ; retain batch)     both are descended
    GDR:  where ⟨a, d⟩ < 0, each is projected onto the plane normal to the other;
          then d onto the plane normal to the mean of the banked forget gradients that conflict with it
    GMA:  λ = 1 / (1 + exp(γ (Δ − ε)))
    θ ← θ − η [λ a′ + (1 − λ) d′]

GDR-GMA (ACM MM 2024), Eq. 3–7, Algorithms 1 and 2. Sees: forget, retain. Paper and released code are two
methods; the list of divergences says where, and which one each fidelity is. Where the paper says nothing,
both follow the code: AdamW at 1e-4 with weight decay 0.01, batches of 256, 10 epochs that end with the
shorter set, BatchNorm in training mode for both batches (the retain batch is forwarded first), augmentation,
and one bank entry per batch: one per sample would be 447 GB for 20 % of CIFAR-10.

Memory of the paper's bank: at most 2 · ⌈|forget|/batch⌉ vectors. Over all parameters of a ResNet-18 in single
precision that is 3.6 GB for 20 % of CIFAR-10 and 8.8 GB for 50 %; `bank_scope` head or last makes it
negligible. With γ = 100, λ saturates: 0.05 above ε it is 0.7 %, so that the step is all retain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.gradients.flat import gradients, trainable
from reunlearn.gradients.rectification import PaperRule, ReleasedRule, Rule
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.measure import mean_loss
from reunlearn.unlearning.needs import Divergence, Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

DIVERGENCES = (
    Divergence(
        "Eq. 1–2, Algorithm 1",
        "g_f is the gradient of the forget loss, conflict is cos(g_f, g_r) < 0: the wrong sign",
        "the forget loss is negated first; both fidelities read it so",
    ),
    Divergence("Eq. 4", "gradients of all parameters as one vector", "each parameter tensor by itself"),
    Divergence(
        "Algorithm 1, lines 6–7",
        "both projections from the original pair: no conflict is left",
        "the second uses the already projected first and its old norm: cosine c leaves c³/√(1 + c² − c⁴)",
    ),
    Divergence(
        "Eq. 3", "the bank holds the whole gradient", "the bank holds the last parameter tensor (a bias)"
    ),
    Divergence(
        "Eq. 3",
        "the bank holds the previous epoch",
        "first in first out, ⌈|forget|/batch⌉ entries; the current batch is appended before the bank is used",
    ),
    Divergence(
        "Eq. 5, Algorithm 1, lines 9–10",
        "the retain gradient is projected; entries are chosen by their conflict with it",
        "the forget gradient is projected, after GDR; entries are chosen by their conflict with that",
    ),
    Divergence(
        "Eq. 5",
        "reading the bank leaves it as it is",
        "a read sums the chosen entries into the first of them; two reads per step, the second is applied",
    ),
    Divergence(
        "Eq. 6", "Δ = |CE(retain batch) − CE(original; retain)|, one pass over retain", "Δ = CE(retain batch)"
    ),
)


@method(paper="GDR-GMA, Eq. 3–7", needs=Needs(forget=True, retain=True), divergences=DIVERGENCES)
@dataclass(frozen=True)
class GdrGma(GradientMethod):
    """Climb the forget loss and descend the retain loss along directions that do not conflict."""

    fidelity: str = "paper"
    epochs: int = hyper(10, "passes over the shorter set (code 10; paper does not say)", ge=0)
    learning_rate: float = hyper(1e-4, "of the optimizer (code 1e-4; paper does not say)", gt=0)
    batch_size: int = hyper(256, "samples per batch of both sets (code 256)", ge=1)
    optimizer: str = hyper(
        "adamw", "sgd (with momentum), adam or adamw (code)", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.01, "of the optimizer (code: AdamW's default)", ge=0)
    gamma: float = hyper(100.0, "steepness γ of λ (paper 100)", gt=0)
    epsilon: float = hyper(0.02, "loss deviation ε at which λ is one half (paper 0.02)", ge=0)
    bank_scope: str = hyper(
        "fidelity",
        "parameters in the bank: all, the last module's, the last tensor; fidelity: paper all, code last",
        choices=("fidelity", "last", "head", "all"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over pairs of batches."""
        optimizer = self.make_optimizer(model)
        parameters = trainable(model)
        paper = self.fidelity == "paper"
        original_loss = mean_loss(model, task, task.retain) if paper else None
        scope = scope_length(model, self.bank_scope, "all" if paper else "last")
        rule: Rule = PaperRule(scope) if paper else ReleasedRule(scope, task.forget.steps(self.batch_size))
        for epoch in self.passes(model, optimizer):
            for forget, retain in task.pairs(self.batch_size, augmented=self.augmented):
                d = gradients(retain_loss := task.loss(model, retain), parameters)
                a = gradients(-(forget_loss := task.loss(model, forget)), parameters)
                weight = self.forget_weight(retain_loss.detach(), original_loss)
                for p, x, y in zip(parameters, *rule(a, d), strict=True):
                    p.grad = weight * x + (1 - weight) * y
                optimizer.step()
            rule.end_epoch()
            losses = {"forget_loss": forget_loss.item(), "retain_loss": retain_loss.item()}
            task.log(epoch + 1, **losses, weight=weight.item())
        return model

    def forget_weight(self, retain_loss: Tensor, original_loss: Tensor | None) -> Tensor:
        """Return λ (Eq. 6); without the original's loss Δ is the retain loss itself."""
        deviation = retain_loss if original_loss is None else (retain_loss - original_loss).abs()
        return torch.sigmoid(-self.gamma * (deviation - self.epsilon))


def scope_length(model: nn.Module, scope: str, default: str) -> int:
    """Return how many of the last parameter tensors a scope covers."""
    scope = default if scope == "fidelity" else scope
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    if scope == "last":
        return 1
    if scope == "all":
        return len(names)
    owner = names[-1].rpartition(".")[0]
    return sum(name.rpartition(".")[0] == owner for name in names)
