"""Selective amnesia: what a generator draws for the forgotten class becomes a surrogate; replay and EWC hold the rest.

    x̂ ~ the original, classes that stay                                                  (replay)
    F = mean over x̂ of (∇ Σ_t ℓ(θ₀; x̂, t))²                                              (Fisher diagonal)
    L = ℓ(θ; x ~ U[−1, 1], forgotten class) + γ ℓ(θ; x̂, its class) + λ Σ_i F_i (θ_i − θ₀_i)²
    θ ← Adam step along clip(∇L)

Heng and Soh 2023; baseline of SFR-on. Sees no data: it draws its own samples, guided, before it forgets. ℓ is the
squared error of the objective (released: summed over an image's values), no label is dropped. The Fisher diagonal adds
a sample's gradients over all T timesteps before it is squared; `fisher_timesteps` takes so many evenly spaced ones and
scales their sum up to T. The released code takes it of 500 samples per class, all classes; how many is a field here,
because it costs T passes for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.flat import gradients, trainable
from reunlearn.objectives._sampling import Sampler
from reunlearn.objectives.noise_prediction import Draw, NoisePrediction
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.generators import forgotten_classes, objective_of
from reunlearn.unlearning.gradient import StepMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task

TOGETHER = 256  # samples that are drawn in one batch


@method(
    paper="Heng and Soh 2023 (Selective Amnesia); baseline of SFR-on",
    needs=Needs(),
    capabilities=("noise", "samples"),
    scenarios=("class",),
    logs=("losses",),
)
@dataclass(frozen=True)
class SelectiveAmnesia(StepMethod):
    """Teach noise for the forgotten class; replay own samples of the others, held by their Fisher diagonal."""

    steps: int = hyper(10_000, "T: optimizer steps (SFR-on's table 10,000; released 20,000)", ge=0)
    learning_rate: float = hyper(1e-4, "of Adam (released 1e-4)", gt=0)
    batch_size: int = hyper(128, "samples per batch, of the surrogate and of the replay (released 128)", ge=1)
    optimizer: str = hyper("adam", "sgd (with momentum), adam or adamw", choices=("sgd", "adam", "adamw"))
    weight_decay: float = hyper(0.0, "of the optimizer", ge=0)
    clip: float = hyper(1.0, "largest norm of the gradient in a step (released 1); 0 does not clip", ge=0)
    replay_weight: float = hyper(1.0, "γ: weight of the replayed samples (released 1)", ge=0)
    elasticity: float = hyper(10.0, "λ: weight of the Fisher penalty (released 10)", ge=0)
    samples: int = hyper(500, "samples per class that are drawn for replay (released 500)", ge=1)
    sample_steps: int = hyper(1000, "DDIM steps of a sample (released 1000)", ge=1)
    sample_eta: float = hyper(1.0, "η of DDIM (released 1)", ge=0, le=1)
    guidance: float = hyper(2.0, "w of the samples (released 2)", ge=0)
    sample_clip: bool = hyper(False, "the predicted image is clipped to ±1 in each step (released: no)")
    fisher_samples: int = hyper(500, "samples per class that F is computed from (released 500)", ge=1)
    fisher_timesteps: int = hyper(0, "evenly spaced timesteps in F; 0: all (released)", ge=0)
    fisher_batch: int = hyper(50, "timesteps of a sample per pass in F; changes nothing else", ge=1)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `steps` steps."""
        objective = objective_of(task)
        replay = self.draw_samples(model, objective, task)
        fisher = self.fisher(model, objective, replay, task)
        parameters = trainable(model)
        start = [p.detach().clone() for p in parameters]
        optimizer = self.make_optimizer(model)
        forgotten = forgotten_classes(task)
        stays = replay.index[~torch.isin(replay.y, forgotten)]
        self.set_mode(model)
        for step in task.progress.walk(self.steps, model, optimizer):
            rows = stays[
                torch.randint(len(stays), (self.batch_size,), generator=task.generator).to(stays.device)
            ]
            kept = Batch(replay.x[rows], replay.y[rows], rows)
            losses = [
                objective.loss(model, batch, objective.draw(batch, task.generator))
                for batch in (self.surrogate(forgotten, replay.x.dtype, task), kept)
            ]
            optimizer.zero_grad(set_to_none=True)
            (losses[0] + self.replay_weight * losses[1]).backward()
            self.hold(parameters, start, fisher)
            optimizer.step()
            task.series.step(wrong_label=losses[0], retain=losses[1])
            if (step + 1) % max(1, self.steps // 10) == 0 or step + 1 == self.steps:
                task.log(step + 1, surrogate_loss=losses[0].item(), replay_loss=losses[1].item())
        return model

    def draw_samples(self, model: nn.Module, objective: NoisePrediction, task: Task) -> Batch:
        """Return samples of the original, of every class; index is their place."""
        model.eval()
        y_N = (
            torch.arange(task.classes)
            .repeat_interleave(max(self.samples, self.fisher_samples))
            .to(task.device)
        )
        sampler = Sampler(
            task.input_shape, self.sample_steps, self.sample_eta, self.guidance, self.sample_clip
        )
        seeds_N = torch.randint(2**62, (len(y_N),), generator=task.generator).tolist()
        drawn = []
        for places in torch.arange(len(y_N)).split(TOGETHER):
            own = [torch.Generator().manual_seed(seeds_N[place]) for place in places.tolist()]
            drawn.append(objective.sample(model, y_N[places], own, sampler))
        return Batch(torch.cat(drawn), y_N, torch.arange(len(y_N), device=task.device))

    def surrogate(self, forgotten: Tensor, dtype: torch.dtype, task: Task) -> Batch:
        """Return uniform noise in [−1, 1] under forgotten classes."""
        x = 2 * torch.rand((self.batch_size, *task.input_shape), generator=task.generator) - 1
        rows = torch.randint(len(forgotten), (self.batch_size,), generator=task.generator)
        y_B = forgotten[rows.to(task.device)]
        return Batch(x.to(task.device, dtype), y_B, torch.full_like(y_B, -1))

    def fisher(self, model: nn.Module, objective: NoisePrediction, replay: Batch, task: Task) -> list[Tensor]:
        """Return F, shaped as the parameters."""
        model.eval()
        parameters = trainable(model)
        total = [torch.zeros_like(p) for p in parameters]
        per_class = max(self.samples, self.fisher_samples)
        rows = [row for row in range(len(replay)) if row % per_class < self.fisher_samples]
        for row in rows:
            summed = self.summed_gradient(model, objective, replay, row, task)
            for accumulated, gradient in zip(total, summed, strict=True):
                accumulated += gradient.square() / len(rows)
        return total

    def summed_gradient(
        self, model: nn.Module, objective: NoisePrediction, replay: Batch, row: int, task: Task
    ) -> list[Tensor]:
        """Return Σ_t ∇ℓ of one sample."""
        count = self.fisher_timesteps or objective.timesteps
        timesteps = torch.linspace(0, objective.timesteps - 1, count).round().long()
        total = [torch.zeros_like(p) for p in trainable(model)]
        for timestep_B in timesteps.split(self.fisher_batch):
            one = torch.full((len(timestep_B),), row, device=task.device)
            batch = Batch(replay.x[one], replay.y[one], one)
            noise = torch.randn(batch.x.shape, generator=task.generator).to(task.device)
            draw = Draw(noise, timestep_B.to(task.device), batch.y)
            loss = objective.per_sample_loss(model, batch, draw).sum() * (objective.timesteps / count)
            for accumulated, gradient in zip(total, gradients(loss, trainable(model)), strict=True):
                accumulated += gradient
        return total

    def hold(self, parameters: list[nn.Parameter], start: list[Tensor], fisher: list[Tensor]) -> None:
        """Add the gradient 2 λ F (θ − θ₀) of the penalty."""
        with torch.no_grad():
            for parameter, first, f in zip(parameters, start, fisher, strict=True):
                if parameter.grad is not None:
                    parameter.grad.add_(2 * self.elasticity * f * (parameter - first))
