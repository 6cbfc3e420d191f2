"""LUR, learning to unlearn while retaining: take the gradient of the forget loss one retain step ahead.

    θ' = θ − α ∇L_r(θ; retain batch)
    g  = w ∇L_r(θ) + (I − α ∇²L_r(θ)) ∇L_f(θ'; forget batch)        order: second
    g  = w ∇L_r(θ) + ∇L_f(θ')                                        order: first, Jacobian of θ' left out
    θ ← θ − η g

Patel & Qiu 2025: the two-step formulation and its gradient analysis. Sees: forget, retain. To first order in
α, `second` adds −α ∇⟨∇L_r, ∇L_f⟩ to the joint gradient: it rewards gradients that agree. `first` keeps only the half
−α ∇²L_f ∇L_r of that term.

No code is released. The paper derives `second`; it does not state which order its experiments use, nor α, L_f and η.
The defaults are L_f = cross-entropy of random labels, uniform over all classes and new for each batch, the
SalUn family's optimizer (SGD, momentum 0.9, weight decay 5e-4, batches of 256, 10 epochs over retain with the
forget set cycled) and α = η. `neg_ce` is plain ascent and needs only the loss of the objective. Only slides are
published, so there is one reading.

BatchNorm in training mode: L_r normalises by the retain batch and updates the running statistics, once per
step; L_f at θ' normalises by the forget batch and updates a copy of them only, because no network with the weights
θ' is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.displaced import Displaced
from reunlearn.gradients.flat import gradients
from reunlearn.gradients.second_order import second_derivatives
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.relabelling import RULES, Labels
from reunlearn.unlearning.task import Task


@method(
    paper="LUR (Patel & Qiu 2025), gradient analysis",
    needs=Needs(forget=True, retain=True),
    capabilities={"forget_target": {"forget_loss": ["random_label"]}},
    logs=("losses",),
)
@dataclass(frozen=True)
class LUR(GradientMethod):
    """Descend the sum of the retain loss and the forget loss one retain step ahead."""

    epochs: int = hyper(
        10, "passes over the set that `pairing` names (not published; SalUn family: 10)", ge=0
    )
    learning_rate: float = hyper(0.01, "η: learning rate (not published; SalUn family: 0.001 to 0.1)", gt=0)
    batch_size: int = hyper(256, "samples per batch of both sets (not published; SalUn family: 256)", ge=1)
    order: str = hyper(
        "second", "exact gradient (second) or without the Jacobian of θ' (first)", choices=("second", "first")
    )
    alpha: float = hyper(0.01, "α: step from θ to θ' (not published)", ge=0)
    retain_weight: float = hyper(1.0, "weight of L_r in the sum; θ' is a step along L_r itself (1)", ge=0)
    forget_loss: str = hyper(
        "random_label",
        "L_f: cross-entropy of random labels, or minus that of the true labels",
        choices=("random_label", "neg_ce"),
    )
    label_rule: str = hyper(
        "random_label",
        "random labels: over all classes, over all but the true one, or the class after it",
        choices=RULES,
    )
    redraw: str = hyper(
        "batch", "draw new random labels for each batch, or draw them once", choices=("batch", "once")
    )
    pairing: str = hyper(
        "retain",
        "an epoch ends when this set ends; the other set is repeated until then",
        choices=("retain", "forget", "shorter"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes."""
        optimizer = self.make_optimizer(model)
        labels = Labels(task, self.label_rule)
        for epoch in self.passes(model, optimizer, task):
            for forget, retain in task.pairs(self.batch_size, self.augmented, until=self.pairing):
                retain_loss, forget_loss = self.assign_gradient(model, forget, retain, task, labels)
                optimizer.step()
                if self.forget_loss == "neg_ce":
                    task.series.step(retain=retain_loss, forget=-forget_loss)
                else:
                    task.series.step(retain=retain_loss, wrong_label=forget_loss)
            task.log(epoch + 1, retain_loss=retain_loss.item(), forget_loss=forget_loss.item())
        return model

    def assign_gradient(
        self, model: nn.Module, forget: Batch, retain: Batch, task: Task, labels: Labels
    ) -> tuple[Tensor, Tensor]:
        """Set every parameter's gradient to g; return L_r(θ) and L_f(θ')."""
        with second_derivatives(self.order == "second"):
            return self._assign(model, forget, retain, task, labels)

    def _assign(
        self, model: nn.Module, forget: Batch, retain: Batch, task: Task, labels: Labels
    ) -> tuple[Tensor, Tensor]:
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        parameters = list(named.values())
        retain_loss = task.loss(model, retain)
        inner = gradients(retain_loss, parameters, create_graph=self.order == "second")
        steps = inner if self.order == "second" else [g.detach() for g in inner]
        ahead = {name: p - self.alpha * g for (name, p), g in zip(named.items(), steps, strict=True)}
        forget_loss = self.loss_to_forget(Displaced(model, ahead), forget, task, labels)
        outer = gradients(forget_loss, parameters)
        for parameter, inner_gradient, outer_gradient in zip(parameters, inner, outer, strict=True):
            parameter.grad = self.retain_weight * inner_gradient.detach() + outer_gradient
        return retain_loss.detach(), forget_loss.detach()

    def loss_to_forget(self, model: nn.Module, batch: Batch, task: Task, labels: Labels) -> Tensor:
        """Return L_f, which is low when the forget batch is unlearned."""
        if self.forget_loss == "neg_ce":
            return -task.loss(model, batch)
        if self.redraw == "batch":
            labels.clear()
        draw = task.objective.draw(batch, task.generator, labels.of(batch))
        return task.objective.loss(model, batch, draw)
