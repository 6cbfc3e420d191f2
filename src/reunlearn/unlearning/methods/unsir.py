"""UNSIR: learn noise that the network takes for anything but the class, impair the network with it, then repair it.

    per forgotten class c:  N ← N − Adam(∇_N [−CE(θ; N, c) + λ mean‖N‖²]),   N a batch of images, N₀ ~ N(0, 1)
    impair:                 train on copies of each N labelled c, mixed with some retain samples of each class
    repair:                 train on those retain samples alone

Tarun et al. 2023, Eq. 2–4, in the version that SSD's repository compares with. Sees: retain, and the labels of
forget. For the removal of classes and sub-classes (c is then the super-class); for random samples there is no class
to learn noise for. Released there: 25 noise steps (250 for sub-classes) of Adam at 0.1, λ = 0.1, 32 images copied 80
times, 500 retain samples of each class, one epoch of impair and one of repair, each with a new Adam at 1e-4, in
batches of 32 and 128, no augmentation, the network in training mode throughout: its BatchNorm statistics change
while the noise is learnt. The authors' notebook has 40 steps, 256 images copied 20 times, 1000 samples, rates 0.02
and 0.01, and labels the noise of every class 0, a mistake that is not offered here. By default the noise is copied
4 times only, for small retain sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, join
from reunlearn.unlearning.class_labels import first_of_each, labels_in
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.epoch_order import epoch_rows
from reunlearn.unlearning.gradient import StepMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="UNSIR (Tarun et al. 2023), Eq. 2–4, as released with SSD",
    needs=Needs(forget=True, retain=True),
    capabilities=("pixels",),
    scenarios=("class", "subclass"),
    logs=("losses",),
)
@dataclass(frozen=True)
class UNSIR(StepMethod):
    """Impair the network with noise learnt against each forgotten class, then repair it on retain samples."""

    noise_steps: int = hyper(25, "steps in which the noise is learnt (released 25; sub-classes 250)", ge=0)
    noise_learning_rate: float = hyper(0.1, "learning rate of Adam on the noise (released 0.1)", gt=0)
    noise_penalty: float = hyper(0.1, "λ: weight of the squared norm of a noise image (released 0.1)", ge=0)
    noise_images: int = hyper(32, "noise images per class (released 32)", ge=1)
    noise_copies: int = hyper(4, "how often each noise image comes in an impair epoch (released 80)", ge=1)
    noise_mode: str = hyper(
        "train", "mode of the network while the noise is learnt (released: train)", choices=("train", "eval")
    )
    samples_per_class: int = hyper(
        500, "number of retain samples of each class, the first ones (released 500)", ge=1
    )
    epochs: int = hyper(1, "epochs that impair (released 1)", ge=0)
    learning_rate: float = hyper(1e-4, "learning rate while impairing (released 1e-4; notebook 0.02)", gt=0)
    batch_size: int = hyper(32, "samples per batch while impairing (released 32)", ge=1)
    repair_epochs: int = hyper(1, "epochs that repair (released 1)", ge=0)
    repair_learning_rate: float = hyper(
        1e-4, "learning rate while repairing (released 1e-4; notebook 0.01)", gt=0
    )
    repair_batch_size: int = hyper(128, "samples per batch while repairing (released 128)", ge=1)
    optimizer: str = hyper(
        "adam", "sgd (with momentum), adam (released) or adamw", choices=("sgd", "adam", "adamw")
    )
    weight_decay: float = hyper(0.0, "weight decay of the optimizer (released 0)", ge=0)
    augmented: bool = hyper(False, "retain batches are augmented as in training (released: no)")

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the impaired and repaired model."""
        kept_M = first_of_each(labels_in(task.retain), self.samples_per_class).cpu()
        noise = self.learn_noise(model, task, labels_in(task.forget).unique())
        self.set_mode(model)
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        for epoch in task.progress.walk(self.epochs, model, optimizer):
            for batch in self.impairing(task, noise, kept_M):
                (loss,) = step(batch)
                task.series.step()  # a step that mixes noise and samples has neither loss, and counts
            task.log(epoch + 1, impair_loss=loss.item())
        repairing = replace(self, learning_rate=self.repair_learning_rate)
        optimizer = repairing.make_optimizer(model)
        step = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        for epoch in task.progress.walk(self.repair_epochs, model, optimizer):
            for rows in kept_M[torch.randperm(len(kept_M), generator=task.generator)].split(
                self.repair_batch_size
            ):
                (loss,) = step(task.retain.take(rows, self.augmented))
                task.series.step(retain=loss)
            task.log(self.epochs + epoch + 1, repair_loss=loss.item())
        return model

    def learn_noise(self, model: nn.Module, task: Task, classes: Tensor) -> Batch:
        """Return the noise images of all classes; the network's weights do not change."""
        model.train(self.noise_mode == "train")
        like = task.retain.take(torch.zeros(1, dtype=torch.int64)).x
        images = [self.noise_against(model, task, label, like) for label in classes]
        labels = classes.repeat_interleave(self.noise_images)
        return Batch(torch.cat(images), labels, torch.full_like(labels, -1))

    def noise_against(self, model: nn.Module, task: Task, label: Tensor, like: Tensor) -> Tensor:
        """Return images [noise_images, …], shaped as `like` [1, …], that the network finds least similar to a class."""
        start = torch.randn((self.noise_images, *like.shape[1:]), generator=task.generator, dtype=like.dtype)
        noise = start.to(task.device).requires_grad_()
        labels = label.expand(self.noise_images)
        batch = Batch(noise, labels, torch.full_like(labels, -1))
        optimizer = torch.optim.Adam([noise], lr=self.noise_learning_rate)
        for _ in range(self.noise_steps):
            size = noise.square().flatten(1).sum(dim=1).mean()
            loss = -task.loss(model, batch) + self.noise_penalty * size
            (noise.grad,) = torch.autograd.grad(loss, [noise])
            optimizer.step()
        return noise.detach()

    def impairing(self, task: Task, noise: Batch, kept_M: Tensor) -> Iterator[Batch]:
        """Yield one epoch of noise and retain samples in random order."""
        copies = self.noise_copies * len(noise)
        for copy_rows, rows in epoch_rows(copies, len(kept_M), self.batch_size, "shuffled", task.generator):
            chosen = (copy_rows % len(noise)).to(task.device)
            noisy = Batch(noise.x[chosen], noise.y[chosen], noise.index[chosen])
            yield join(noisy, task.retain.take(kept_M[rows], self.augmented))
