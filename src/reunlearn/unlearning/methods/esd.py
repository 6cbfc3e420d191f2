"""Erased stable diffusion: what the model predicts for the forgotten class becomes what guidance away from it predicts.

    x_t ~ some steps of the model itself towards the class, guided; t uniform between this step and the next
    ε* = ε(θ₀; x_t, t, ∅) − η (ε(θ₀; x_t, t, c) − ε(θ₀; x_t, t, ∅))
    θ ← θ − step along ∇‖ε(θ; x_t, t, c) − ε*‖²

Gandikota et al. 2023, Eq. 8; baseline of LUR. Sees no data. Two variants differ in the weights that may change:

    weights: xattn      ESD-x: cross-attention alone, for concepts that a prompt names (styles)
    weights: noxattn    ESD-u: all but cross-attention, time embedding and the last convolution (objects, nudity)

The first release draws x_t with the model as it is by then (`path: current`), η = 1, 1,000 steps; the later one with
the frozen model (`path: frozen`), η = 2, 200 steps, learning rate 5e-5. The first release's values are the defaults.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.objectives._sampling import Sampler
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.training.optimizers import make_optimizer
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.generators import WEIGHTS, forgotten_classes, objective_of, weights_of
from reunlearn.unlearning.gradient import StepMethod, descend
from reunlearn.unlearning.last_layers import gradients_only_for
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="Gandikota et al. 2023 (ESD); baseline of LUR",
    needs=Needs(),
    capabilities=("noise", "samples"),
    scenarios=("class",),
    logs=("losses",),
)
@dataclass(frozen=True)
class ESD(StepMethod):
    """Teach the forgotten class what guidance away from it predicts."""

    steps: int = hyper(1000, "optimizer steps (released 1000; later 200)", ge=0)
    learning_rate: float = hyper(1e-5, "of Adam (released 1e-5; later 5e-5)", gt=0)
    batch_size: int = hyper(1, "samples per step (released 1)", ge=1)
    optimizer: str = hyper("adam", "sgd (with momentum), adam or adamw", choices=("sgd", "adam", "adamw"))
    weight_decay: float = hyper(0.0, "of the optimizer", ge=0)
    weights: str = hyper(
        "noxattn",
        "weights that may change: cross-attention (xattn: ESD-x), all but it (noxattn: ESD-u), or all",
        choices=WEIGHTS,
    )
    negative_guidance: float = hyper(
        1.0, "η: how far the target leads away from the class (1; later 2)", ge=0
    )
    path: str = hyper(
        "current",
        "x_t is drawn by the model as it is, or by the frozen one (later release)",
        choices=("current", "frozen"),
    )
    path_guidance: float = hyper(2.0, "w with which x_t is drawn (released 3 in the form 1 + w)", ge=0)
    path_steps: int = hyper(50, "DDIM steps of a whole sample (released 50)", ge=1)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` steps."""
        objective = objective_of(task)
        frozen = copy.deepcopy(model).eval()
        parameters = self.chosen_weights(model)
        optimizer = make_optimizer(self, parameters)
        forgotten = forgotten_classes(task)
        with gradients_only_for(model, parameters):
            for step in task.progress.walk(self.steps, model, optimizer):
                rows = torch.randint(len(forgotten), (self.batch_size,), generator=task.generator)
                label_B = forgotten[rows.to(task.device)]
                drawing = model if self.path == "current" else frozen
                x_t, timestep_B = self.on_the_way(drawing, objective, label_B, task)
                target = self.away(frozen, objective, (x_t, timestep_B, label_B))
                self.set_mode(model)
                predicted = objective.predict(model, x_t, timestep_B, label_B)
                loss = (predicted - target).square().mean()
                descend(optimizer, loss)
                task.series.step(wrong_label=loss)
                if (step + 1) % max(1, self.steps // 10) == 0 or step + 1 == self.steps:
                    task.log(step + 1, loss=loss.item())
        return model

    def chosen_weights(self, model: nn.Module) -> list[nn.Parameter]:
        """Return the parameters that may change.

        Raises:
            UserError: there are none, as in networks without cross-attention.
        """
        found = weights_of(model, self.weights)
        if not found:
            raise UserError(
                f"esd: the network has no weights '{self.weights}'; without cross-attention choose noxattn or all"
            )
        return found

    def on_the_way(
        self, model: nn.Module, objective: NoisePrediction, label_B: Tensor, task: Task
    ) -> tuple[Tensor, Tensor]:
        """Return x_t after a random number of steps towards the classes, and t [B], the same for all."""
        model.eval()
        steps = min(self.path_steps, objective.timesteps)
        taken = int(torch.randint(steps, (), generator=task.generator))
        width = objective.timesteps // steps
        first = (steps - 1 - taken) * width
        timestep = first + int(torch.randint(width, (), generator=task.generator))
        seeds = torch.randint(2**62, (len(label_B),), generator=task.generator).tolist()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        sampler = Sampler(task.input_shape, steps, 0.0, self.path_guidance, clip=False)
        x_t = objective.sample(model, label_B, generators, sampler, taken=taken)
        return x_t, torch.full_like(label_B, timestep)

    @torch.no_grad()
    def away(
        self, frozen: nn.Module, objective: NoisePrediction, given: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        """Return ε*."""
        x_t, timestep_B, label_B = given
        null = objective.predict(frozen, x_t, timestep_B, torch.full_like(label_B, objective.null))
        asked = objective.predict(frozen, x_t, timestep_B, label_B)
        return null - self.negative_guidance * (asked - null)
