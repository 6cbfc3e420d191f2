"""Give the network one class more, teach it to the forget set, and take the class away again.

    W ← [W; w], b ← [b; β]                       one more output unit K, fresh
    θ ← θ − η ∇CE(θ; x, K)                        forget only
    W ← W[:K], b ← b[:K]

Chen et al. 2023 (Boundary unlearning); baseline of SalUn. Sees: forget. `paper` is the authors' repository, `code` the
port in SalUn's. Their settings are in the presets, as for boundary_shrink; all layers move in both.

The port never takes the unit away, so there a forget sample counts as forgotten when the extra class wins. All that
judges a model here compares it with others of K outputs (divergences from retrained models, attacks with shadow
models), so the unit goes in both readings. What the port's evaluation would see stands in the history instead:
`extra_share`, the share of the forget set for which the extra class wins, and `forget_accuracy_expanded`, the accuracy
on it with the extra class among the answers, both in evaluation mode when training has ended.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

DIVERGENCES = (
    Divergence(
        "the extra unit, after training",
        "is removed",
        "stays, and takes part in every prediction; here it goes, and the history tells what it would have won",
    ),
    Divergence(
        "the extra unit, before training",
        "weights normal with variance 2/(inputs + K + 1), bias 0",
        "weights and bias uniform in ±1/√inputs",
    ),
)


@method(
    paper="Chen et al. 2023 (Boundary unlearning), expanding; baseline of SalUn",
    needs=Needs(forget=True),
    divergences=DIVERGENCES,
    capabilities=("outputs", "head"),
    logs=("losses",),
)
@dataclass(frozen=True)
class BoundaryExpanding(GradientMethod):
    """Descend on the forget set towards an output unit that is then removed."""

    reading: str = "paper"
    learning_rate: float = hyper(5e-3, "of the optimizer (released 1e-5; port 1e-6 to 1e-5; ours)", gt=0)
    epochs: int = hyper(10, "passes over forget (released 10)", ge=0)
    batch_size: int = hyper(64, "samples per batch (released 64; port 256)", ge=1)
    weight_decay: float = hyper(0.0, "of the optimizer (released 0; port 5e-4)", ge=0)
    start: str = by_reading(
        "the extra unit's weights: normal (Xavier) without bias, or uniform with one",
        paper="normal",
        code="uniform",
        choices=("normal", "uniform"),
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model, of as many outputs as it came with, after `epochs` passes over the forget set."""
        head = task.objective.head(model)
        if not isinstance(head, nn.Linear):
            raise ValueError(
                f"the last layer is a {type(head).__name__}; boundary_expanding widens a linear one"
            )
        outputs = head.out_features
        resize(head, *self.widened(head, task.generator))
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, functools.partial(task.objective.loss, model))
        for epoch in self.passes(model, optimizer, task):
            for batch in task.forget.batches(self.batch_size, augmented=self.augmented):
                (loss,) = step(batch, torch.full_like(batch.y, outputs))
                task.series.step(wrong_label=loss)
            task.log(epoch + 1, loss=loss.item())
        task.log(self.epochs, **expanded_shares(model, task, outputs))
        resize(head, head.weight[:outputs], None if head.bias is None else head.bias[:outputs])
        return model

    def widened(self, head: nn.Linear, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Return weight [K + 1, D] and bias [K + 1], if there is one, with a fresh last unit."""
        inputs, like = head.in_features, head.weight
        if chosen(self, "start") == "normal":
            deviation = math.sqrt(2 / (inputs + head.out_features + 1))
            weight_D, bias = deviation * torch.randn(inputs, generator=generator), torch.zeros(1)
        else:
            both = (2 * torch.rand(inputs + 1, generator=generator) - 1) / math.sqrt(inputs)
            weight_D, bias = both[:-1], both[-1:]
        weight_KD = torch.cat((like, weight_D.to(like)[None]))
        return weight_KD, None if head.bias is None else torch.cat((head.bias, bias.to(like)))


def resize(head: nn.Linear, weight_KD: Tensor, bias_K: Tensor | None) -> None:
    """Give a linear layer other parameters, with another number of outputs, in place."""
    head.weight = nn.Parameter(weight_KD.detach().clone(), head.weight.requires_grad)
    if bias_K is not None:
        head.bias = nn.Parameter(bias_K.detach().clone(), head.bias.requires_grad)
    head.out_features = len(weight_KD)


@torch.no_grad()
def expanded_shares(model: nn.Module, task: Task, extra: int) -> dict[str, float]:
    """Return the share of the forget set that goes to class `extra`, and to its own; leaves evaluation mode on."""
    model.eval()
    won = right = 0
    for batch in task.forget.batches(task.forget.large_batch, shuffle=False):
        guess_B = task.objective.outputs(model, batch).argmax(dim=1)
        won, right = won + int((guess_B == extra).sum()), right + int((guess_B == batch.y).sum())
    count = len(task.forget)
    return {"extra_share": won / count, "forget_accuracy_expanded": right / count}
