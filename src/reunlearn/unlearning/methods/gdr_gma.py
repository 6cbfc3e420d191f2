"""Two gradients, rectified so that they do not conflict, and mixed by the deviation of the retain loss.

    a = −∇CE(θ; forget batch)     d = ∇CE(θ; retain batch)     both are descended
    GDR:  where ⟨a, d⟩ < 0, each is projected onto the plane normal to the other;
          then d onto the plane normal to the mean of the banked forget gradients that conflict with it
    GMA:  λ = 1 / (1 + exp(γ (Δ − ε)))
    θ ← θ − η [λ a′ + (1 − λ) d′]

GDR-GMA (ACM MM 2024), Eq. 3–7, Algorithms 1 and 2. Sees: forget, retain. Paper and released code are two different
methods: DIVERGENCES lists where they differ, and the fields that follow the reading switch each point. Where the
paper says nothing, both follow the code: AdamW at 1e-4 with weight decay 0.01, batches of 256, 10 epochs that
end with the shorter set, BatchNorm in training mode for both batches, augmentation. Algorithm 1 writes the
forget batch first, the code forwards the retain batch first; this changes BatchNorm's statistics (`forward_order`).
A bank stores a before it is rectified; CE(original; retain) is computed in evaluation mode.

    ablation of the paper                            fields
    NegGrad with fixed weights (Table 1)             rectify: false, bank: off, adapt: false, fixed_weight: 0.1 … 0.9
    without the bank (Table 5)                       bank: recompute   new gradients of the forget set in each step
    impact of γ and ε (Sec. 5.3)                     gamma, epsilon

`bank: recompute` normalises by the statistics of each batch, does not change the running ones, and reads
the forget set in order. This is our choice: the paper does not say.

Memory of the bank, `bank_gib` of step 0 in the history: rows · P · bytes, with ⌈|forget|/batch⌉ rows (|forget| if
`bank_unit` is sample), and twice that if two epochs are stored. Over all parameters of a ResNet-18 in single
precision that is 3.3 GiB for 20 % of CIFAR-10 and 8.2 GiB for 50 %; one row per sample would be 833 GiB, half of
that for a fifo. More than `bank_limit` is refused. With γ = 100, λ saturates: 0.05 above ε it is 0.7 %, so that
almost only the retain gradient is used.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.base.prefixes import below
from reunlearn.data.batches import Batch
from reunlearn.gradients.bank import EpochBank, FifoBank, bank_bytes
from reunlearn.gradients.displaced import Displaced
from reunlearn.gradients.flat import gradients, trainable
from reunlearn.gradients.rectification import PROJECTIONS, Banked, Memory, Recomputed, Rectifier
from reunlearn.gradients.samplewise import sample_gradients
from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.measure import mean_loss
from reunlearn.unlearning.readings import by_reading, chosen
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

GIB = 2**30
BANK = "bank."  # begins the names of its rows among what the progress keeps
DIVERGENCES = (
    Divergence(
        "Eq. 1–2, Algorithm 1",
        "g_f is the gradient of the forget loss, and cos(g_f, g_r) < 0 is a conflict: the sign is wrong",
        "the forget loss is negated first; both readings do so here",
    ),
    Divergence("Eq. 4", "gradients of all parameters as one vector", "each parameter tensor by itself"),
    Divergence(
        "Algorithm 1, lines 6–7",
        "both projections start from the original pair: no conflict is left",
        "the second uses the already projected first gradient and its old norm: a cosine c becomes c³/√(1 + c² − c⁴)",
    ),
    Divergence(
        "Eq. 3", "the bank holds the whole gradient", "the bank holds the last parameter tensor (a bias)"
    ),
    Divergence(
        "Eq. 3",
        "|Bank| = |forget|: an entry per sample, too large for any memory; by default here one per batch, too",
        "an entry per batch",
    ),
    Divergence(
        "Eq. 3",
        "the bank holds the previous epoch",
        "first in first out, ⌈|forget|/batch⌉ entries; the current batch is appended before the bank is used",
    ),
    Divergence(
        "Eq. 5, Algorithm 1, lines 9–10",
        "the retain gradient is projected; entries are chosen by their conflict with it",
        "the forget gradient is projected, after GDR; entries are chosen by their conflict with it",
    ),
    Divergence(
        "Eq. 5",
        "reading the bank does not change it",
        "a read adds the chosen entries to the first of them; each step reads twice and applies the second result",
    ),
    Divergence(
        "Eq. 6", "Δ = |CE(retain batch) − CE(original; retain)|, one pass over retain", "Δ = CE(retain batch)"
    ),
)


@method(
    paper="GDR-GMA, Eq. 3–7",
    needs=Needs(forget=True, retain=True),
    divergences=DIVERGENCES,
    logs={"losses": True, "lambda": {"adapt": [True]}, "conflicts": True, "cosines": True},
)
@dataclass(frozen=True)
class GdrGma(GradientMethod):
    """Ascend the forget loss and descend the retain loss along directions that do not conflict."""

    reading: str = "paper"
    epochs: int = hyper(10, "passes over the set that `pairing` names (code 10; paper does not say)", ge=0)
    pairing: str = hyper(
        "shorter",
        "an epoch ends when this set ends (code: the shorter)",
        choices=("shorter", "forget", "retain"),
    )
    learning_rate: float = hyper(1e-4, "learning rate of the optimizer (code 1e-4; paper does not say)", gt=0)
    batch_size: int = hyper(256, "samples per batch of both sets (code 256)", ge=1)
    optimizer: str = hyper(
        "adamw", "sgd (with momentum), adam or adamw (code)", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.01, "weight decay of the optimizer (code: AdamW's default)", ge=0)
    forward_order: str = hyper(
        "retain_first",
        "which batch is forwarded first (code: retain)",
        choices=("retain_first", "forget_first"),
    )
    rectify: bool = hyper(
        True, "GDR: the two gradients of a step are rectified against each other; off: they are not"
    )
    granularity: str = by_reading(
        "what is rectified as one vector: all parameters, or each tensor",
        paper="all",
        code="tensor",
        choices=("all", "tensor"),
    )
    projection: str = by_reading(
        "both projections start from the original pair (exact), or the second from the projected first (in_turn)",
        paper="exact",
        code="in_turn",
        choices=tuple(PROJECTIONS),
    )
    bank: str = by_reading(
        "where the gradients of the whole forget set come from; off: GDR without a bank",
        paper="previous_epoch",
        code="fifo",
        choices=("previous_epoch", "fifo", "recompute", "off"),
    )
    bank_unit: str = hyper(
        "batch",
        "an entry per batch (code) or per sample (paper's literal reading)",
        choices=("batch", "sample"),
    )
    bank_scope: str = by_reading(
        "parameters in the bank: all, the last module's, the last tensor",
        paper="all",
        code="last",
        choices=("last", "head", "all"),
    )
    bank_pair: str = by_reading(
        "gradient that is projected against the bank",
        paper="retain",
        code="forget",
        choices=("retain", "forget"),
    )
    bank_reads: str = by_reading(
        "whether reading the bank leaves it unchanged (stable)",
        paper="stable",
        code="drifting",
        choices=("stable", "drifting"),
    )
    bank_precision: str = hyper(
        "full",
        "entries in the precision of the gradients (full), or in bfloat16 (half)",
        choices=("full", "half"),
    )
    bank_limit: float = hyper(16.0, "largest memory of the bank, in GiB; a larger bank is refused", gt=0)
    adapt: bool = hyper(True, "GMA: λ depends on the retain loss; off: λ is fixed_weight")
    fixed_weight: float = hyper(
        0.5, "w_f, with w_r = 1 − w_f, if adapt is off (Table 1: 0.1 to 0.9)", ge=0, le=1
    )
    deviation: str = by_reading(
        "Δ: distance from the original's loss, or the loss itself",
        paper="absolute",
        code="raw",
        choices=("absolute", "raw"),
    )
    gamma: float = hyper(100.0, "steepness γ of λ (paper 100)", gt=0)
    epsilon: float = hyper(0.02, "loss deviation ε at which λ is one half (paper 0.02)", ge=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over pairs of batches."""
        optimizer = self.make_optimizer(model)
        parameters = trainable(model)
        measured = self.adapt and chosen(self, "deviation") == "absolute"
        original_loss = mean_loss(model, task, task.retain) if measured else None
        gdr = self.rectifier(model, task)
        forget_first = self.forward_order == "forget_first"
        for epoch in self.passes(model, optimizer, task):
            if gdr.memory is not None:
                gdr.memory.restore(below(task.progress.own, BANK))
            for forget, retain in task.pairs(self.batch_size, self.augmented, until=self.pairing):
                if forget_first:
                    a, forget_loss, entries = self.ascent(model, forget, task, gdr)
                d = gradients(retain_loss := task.loss(model, retain), parameters)
                if not forget_first:
                    a, forget_loss, entries = self.ascent(model, forget, task, gdr)
                weight = self.forget_weight(retain_loss.detach(), original_loss)
                pair = gdr(a, d, entries)
                task.series.directions(model, forget, pair)
                for p, x, y in zip(parameters, *pair, strict=True):
                    p.grad = weight * x + (1 - weight) * y
                optimizer.step()
                task.series.step(forget=forget_loss, retain=retain_loss, weight=weight)
            task.series.end_epoch(model)
            if gdr.memory is not None:
                gdr.memory.end_epoch()
                task.progress.own |= {f"{BANK}{name}": rows for name, rows in gdr.memory.state().items()}
            losses = {"forget_loss": forget_loss.item(), "retain_loss": retain_loss.item()}
            task.log(epoch + 1, **losses, weight=weight.item())
        return model

    def rectifier(self, model: nn.Module, task: Task) -> Rectifier:
        """Return GDR as the fields say; a bank above the limit is refused."""
        whole = chosen(self, "granularity") == "all"
        kind, scope = chosen(self, "bank"), scope_length(model, chosen(self, "bank_scope"))
        projection = PROJECTIONS[chosen(self, "projection")] if self.rectify else None
        gdr = Rectifier(projection, whole, scope, chosen(self, "bank_pair"), None)
        units = len(task.forget) if self.bank_unit == "sample" else task.forget.steps(self.batch_size)
        self.check_bank_size(kind, units, trainable(model)[-scope:], task)
        gdr.memory = self.memory(kind, units, gdr, model, task)
        return gdr

    def memory(self, kind: str, units: int, gdr: Rectifier, model: nn.Module, task: Task) -> Memory | None:
        """Return the banks, the recomputation that replaces them, or None."""
        if kind == "off":
            return None
        if kind == "recompute":
            return Recomputed(lambda: self.all_entries(model, task, gdr))
        drifts = chosen(self, "bank_reads") == "drifting"
        dtype = torch.bfloat16 if self.bank_precision == "half" else None
        blocks = 1 if gdr.whole else gdr.scope
        if kind == "fifo":
            return Banked([FifoBank(units, drifts, dtype) for _ in range(blocks)])
        return Banked([EpochBank(drifts, dtype) for _ in range(blocks)])

    def check_bank_size(self, kind: str, units: int, covered: list[nn.Parameter], task: Task) -> None:
        """Log the memory that the bank will take at most; refuse more than the limit."""
        itemsize = 2 if self.bank_precision == "half" else covered[0].element_size()
        needed = bank_bytes(kind, units, sum(p.numel() for p in covered), itemsize) / GIB
        logging.getLogger(__name__).info("gdr_gma: the gradient bank takes up to %.3f GiB", needed)
        task.log(0, bank_gib=needed)
        if needed > self.bank_limit:
            raise UserError(
                f"method 'gdr_gma': the gradient bank needs {needed:.3g} GiB, bank_limit allows {self.bank_limit:g}; "
                "raise it, or set bank_scope to head, bank_unit to batch or bank_precision to half"
            )

    def ascent(
        self, model: nn.Module, batch: Batch, task: Task, gdr: Rectifier
    ) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Return a, the forget loss, and what the bank stores of it."""
        parameters = trainable(model)
        if self.bank_unit == "batch" or gdr.memory is None:
            a = gradients(-(loss := task.loss(model, batch)), parameters)
            return a, loss.detach(), [x[None] for x in a[-gdr.scope :]]
        losses_B = self.sample_losses(model, batch, task)
        entries = sample_gradients(-losses_B, parameters[-gdr.scope :])
        return gradients(-losses_B.mean(), parameters), losses_B.mean().detach(), entries

    def sample_losses(self, model: nn.Module, batch: Batch, task: Task) -> Tensor:
        """Return the loss of each sample [B]."""
        return task.objective.per_sample_loss(model, batch, task.objective.draw(batch, task.generator))

    def all_entries(self, model: nn.Module, task: Task, gdr: Rectifier) -> Iterator[list[Tensor]]:
        """Yield what a bank would store of the whole forget set at the current weights; statistics do not change."""
        fixed, covered = Displaced(model, {}), trainable(model)[-gdr.scope :]
        for batch in task.forget.batches(self.batch_size, shuffle=False, augmented=self.augmented):
            if self.bank_unit == "sample":
                rows = sample_gradients(-self.sample_losses(fixed, batch, task), covered)
            else:
                rows = [x[None] for x in gradients(-task.loss(fixed, batch), covered)]
            yield list(gdr.blocks(rows, rows=True))

    def forget_weight(self, retain_loss: Tensor, original_loss: Tensor | None) -> Tensor:
        """Return λ (Eq. 6), or the fixed weight; without the original's loss Δ is the retain loss itself."""
        if not self.adapt:
            return torch.full_like(retain_loss, self.fixed_weight)
        deviation = retain_loss if original_loss is None else (retain_loss - original_loss).abs()
        return torch.sigmoid(-self.gamma * (deviation - self.epsilon))


def scope_length(model: nn.Module, scope: str) -> int:
    """Return how many of the last parameter tensors a scope covers: "last" one, "head" the last module's, or "all"."""
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    if scope == "last":
        return 1
    if scope == "all":
        return len(names)
    owner = names[-1].rpartition(".")[0]
    return sum(name.rpartition(".")[0] == owner for name in names)
