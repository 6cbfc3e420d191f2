"""Subtract the training updates of all batches with forget samples; then repair on the retain set.

    θ ← θ − Σ_{b holds a forget sample} (θ_{b+1} − θ_b)
    θ ← θ − η ∇L(θ; retain)                                  for a few passes

Amnesiac machine learning (Graves et al. 2021), the method itself; papers on unlearning often use that name for
relabelling (amnesiac_relabel). Sees: retain, and the summed updates of those steps, from a replay of the original's
training (training/state/batch_updates.py); the forget set itself is not read.

If most batches hold a forget sample, as with a random tenth and more in batches of 128, nearly all
of the training is undone, and `epochs` is a new training. An update holds all that the optimizer did in that
step, momentum and weight decay included.

- tensors: the paper subtracts changes of parameters; the released code (code reading) those of all entries of the
  state whose name holds "weight" or "bias". The two are the same unless a network has parameters of other names
  (class tokens, position embeddings), which the released code does not change. BatchNorm's statistics stay in both.
- Repair: the paper says that a small amount of training on retain follows, without numbers; the defaults of that
  part are ours. `epochs: 0` leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.training.state.batch_updates import read
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

NAMED = ("weight", "bias")
DIVERGENCES = (
    Divergence(
        "what is subtracted",
        "the changes of all parameters",
        "the changes of those entries of the state whose name holds weight or bias",
    ),
)


@method(
    paper="Graves et al. 2021 (Amnesiac machine learning); baseline of ∇τ",
    needs=Needs(retain=True, state={"batch_updates": True}),
    divergences=DIVERGENCES,
    logs=("losses",),
)
@dataclass(frozen=True)
class Amnesiac(GradientMethod):
    """Subtract the updates of all batches that held a forget sample, then repair on the retain set."""

    reading: str = "paper"
    epochs: int = hyper(3, "passes over retain after the subtraction (ours: 3)", ge=0)
    tensors: str = by_reading(
        "what is subtracted: changes of all parameters, or of the state's entries named weight or bias",
        paper="parameters",
        code="named",
        choices=("parameters", "named"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the repaired model without the updates of those batches."""
        subtract(model, self.subtracted(model, read(task.state["batch_updates"])))
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        for epoch in self.passes(model, optimizer, task):
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                (loss,) = step(batch)
                task.series.step(retain=loss)
            task.log(epoch + 1, retain_loss=loss.item())
        return model

    def subtracted(self, model: nn.Module, updates: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return those of the updates that are subtracted, by name."""
        if chosen(self, "tensors") == "named":
            return {name: change for name, change in updates.items() if any(part in name for part in NAMED)}
        return {name: updates[name] for name, _ in model.named_parameters()}


@torch.no_grad()
def subtract(model: nn.Module, changes: dict[str, Tensor]) -> None:
    """Subtract changes, by name in the state, from a model in place; each difference is rounded once."""
    state = model.state_dict()
    values = {
        name: (state[name].double() - change.to(state[name].device)) for name, change in changes.items()
    }
    for name, value in values.items():
        state[name].copy_(value)
