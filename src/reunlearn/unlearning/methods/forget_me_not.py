"""Forget-me-not: cross-attention learns to look away from the tokens that name the forgotten class.

    θ ← AdamW step along clip(∇ ‖A(θ; x_t, t, caption of c)[…, tokens of c]‖₂),   x of the forget set, t uniform

Zhang et al. 2024; baseline of LUR. Sees: forget. A holds the probabilities of every cross-attention of the U-Net; the
norm is over all of them at the tokens that name the class, no loss of noise and none of the retain set holds the rest.
The released code may first find tokens for the concept by textual inversion; here a class has its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.training.optimizers import make_optimizer
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.generators import CROSS, objective_of, weights_of
from reunlearn.unlearning.gradient import StepMethod, descend
from reunlearn.unlearning.last_layers import gradients_only_for
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Zhang et al. 2024 (Forget-Me-Not); baseline of LUR",
    needs=Needs(forget=True),
    capabilities=("noise", "samples"),
    scenarios=("class",),
    logs=("losses",),
)
@dataclass(frozen=True)
class ForgetMeNot(StepMethod):
    """Take cross-attention away from the tokens that name the forgotten class."""

    steps: int = hyper(35, "optimizer steps (released 35)", ge=0)
    learning_rate: float = hyper(2e-6, "of AdamW (released 2e-6)", gt=0)
    batch_size: int = hyper(1, "samples per step (released 1)", ge=1)
    optimizer: str = hyper("adamw", "sgd (with momentum), adam or adamw", choices=("sgd", "adam", "adamw"))
    weight_decay: float = hyper(0.01, "of the optimizer (released 0.01)", ge=0)
    clip: float = hyper(1.0, "largest norm of the gradient in a step (released 1); 0 does not clip", ge=0)
    weights: str = hyper("all", "weights that may change: all, or cross-attention", choices=("all", "xattn"))

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` steps."""
        objective = objective_of(task)
        named_KL = getattr(model, "named", None)
        layers = [m for name, m in model.named_modules() if name.endswith(CROSS)]
        if named_KL is None or not layers:
            raise UserError(
                "forget_me_not: the network has no cross-attention to captions; it is for text to image"
            )
        parameters = weights_of(model, self.weights)
        optimizer = make_optimizer(self, parameters)
        forget = task.forget.stream(self.batch_size, augmented=self.augmented)
        self.set_mode(model)
        with gradients_only_for(model, parameters):
            for step in task.progress.walk(self.steps, model, optimizer):
                batch = next(forget)
                draw = objective.draw(batch, task.generator)
                with noted_attention(layers) as maps:
                    objective.predict(model, objective.noisy(batch.x, draw), draw.timestep, draw.label)
                loss = attention_to(maps, named_KL[draw.label])
                descend(optimizer, loss)
                task.series.step(forget=loss)
                if (step + 1) % max(1, self.steps // 10) == 0 or step + 1 == self.steps:
                    task.log(step + 1, loss=loss.item())
        return model


def attention_to(maps: list[Tensor], named_BL: Tensor) -> Tensor:
    """Return the norm of all probabilities [B, heads, places, L] at the tokens that name the class."""
    squares = [(probabilities * named_BL[:, None, None, :]).square().sum() for probabilities in maps]
    return torch.stack(squares).sum().sqrt()


@contextmanager
def noted_attention(layers: Sequence[Any]) -> Iterator[list[Tensor]]:
    """Let cross-attention layers of diffusers note their probabilities while they compute."""
    maps: list[Tensor] = []
    before = [layer.processor for layer in layers]
    for layer in layers:
        layer.set_processor(_Noting(maps))
    try:
        yield maps
    finally:
        for layer, processor in zip(layers, before, strict=True):
            layer.set_processor(processor)


class _Noting:
    """Attention as diffusers computes it, with probabilities [B, heads, places, L] at hand."""

    def __init__(self, maps: list[Tensor]) -> None:
        self.maps = maps

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **_: Any
    ) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            attn.head_to_batch_dim(layer(x))
            for layer, x in ((attn.to_q, hidden_states), (attn.to_k, context), (attn.to_v, context))
        )
        probabilities = attn.get_attention_scores(query, key)
        self.maps.append(probabilities.unflatten(0, (len(hidden_states), -1)))
        mixed = attn.batch_to_head_dim(torch.bmm(probabilities, value))
        out: Tensor = attn.to_out[1](attn.to_out[0](mixed))
        return out
