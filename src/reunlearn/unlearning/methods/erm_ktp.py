"""Teach a fresh network the features of the remaining classes; a mask says which channels belong to which class.

    teacher   f_t, M, (W, b): trained from the start with the mask M [C, K] (training-time state `entangled`)
    student   fresh features;  W' = W with the forgotten classes' rows at 0, and with a channel's column at 0
              unless M is 0 there for every forgotten class;  b' = b with the forgotten entries at 0
    loss      mean (f_s − f_t)² + mean (pool(f_s) − pool(k · f_t))²      on retain batches; k: 1 on the channels that
              keep their column, else 0

ERM-KTP (Lin et al., CVPR 2023). Sees: retain, and which classes are forgotten: whole classes only. The original
model is not used: the teacher replaces it, and the method returns a masked network around the original's
architecture. The features are trained, W' and b' stay fixed; the student's mask is the teacher's with the forgotten
columns at 0. In evaluation the mask is not used.

As released: b', the sum of both parts of the loss, SGD with momentum 0.9 and weight decay 5e-4, and k on the teacher's
maps only: the student's pooled channels are pulled to 0 where the teacher's are prohibited. The released rate falls
10 and 20 epochs after the first six, so after 16 and 26. The two minutes that GDR-GMA reports suggest far fewer than
the released 200 epochs. Augmentation is that of training.
`least_kept` is our addition: a mask that was trained for a short time has hardly any zeros, and the published rule
then leaves a classifier without columns. The channels with the smallest entries are then kept too, up to this share
of all channels. With 0 the rule is the published one; for a well trained mask `least_kept` makes no difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.base.errors import UserError
from reunlearn.models.masked import MaskedNetwork
from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.schedules import schedule_over
from reunlearn.training.state.entangled import read_into
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.gradient import StepMethod
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(
    paper="ERM-KTP (CVPR 2023)",
    needs=Needs(retain=True, state={"entangled": True}),
    capabilities=("head", "pixels"),
    network="masked",
    scenarios=("class",),
)
@dataclass(frozen=True)
class KnowledgeTransferProhibition(StepMethod):
    """Distil the features into a fresh network; cut the forgotten classes and their channels from the classifier."""

    learning_rate: float = hyper(0.1, "learning rate of the optimizer at the start (code 0.1)", gt=0)
    epochs: int = hyper(30, "passes over retain (code 200)", ge=1)
    first_drop: int = hyper(16, "epochs after which the learning rate is divided by ten (code 16)", ge=1)
    second_drop: int = hyper(26, "epochs after which it is divided by ten again (code 26)", ge=1)
    least_kept: float = hyper(
        0.5, "smallest share of the channels that is kept, even if their mask is not 0 (code 0)", ge=0, le=1
    )

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the student."""
        forgotten_F = forgotten_classes(task)
        dtype = next(model.parameters()).dtype  # the precision of the batches
        seed = int(torch.randint(2**31, (), generator=task.generator))
        student = cast(MaskedNetwork, task.result_model(seed)).to(dtype)
        teacher = cast(MaskedNetwork, task.result_model(0)).to(dtype)
        read_into(teacher, task.state["entangled"]).eval().requires_grad_(False)
        kept_C = transfer_classifier(teacher, student, forgotten_F, self.least_kept)
        learning = [p for p in student.parameters() if p.requires_grad]
        optimizer = make_optimizer(self, learning)
        schedule = schedule_over(
            optimizer, "multistep", self.epochs, milestones=sorted((self.first_drop, self.second_drop))
        )
        step = task.steps(student, optimizer, lambda batch: transfer_loss(student, teacher, kept_C, batch.x))
        for epoch in task.progress.walk(self.epochs, student, optimizer, schedule):
            self.set_mode(student)
            total = torch.zeros((), device=task.device)
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                (loss,) = step(batch)
                total += loss * len(batch)
            schedule.step()
            task.log(epoch, transfer_loss=float(total) / len(task.retain))
        return student.requires_grad_(True)


def forgotten_classes(task: Task) -> Tensor:
    """Return the numbers of the forgotten classes [F], on the device.

    Raises:
        UserError: the scenario does not forget whole classes.
    """
    scenario = task.scenario
    if not scenario.whole_classes:
        raise UserError(f"erm_ktp forgets whole classes only; scenario '{scenario.kind}' does not")
    return torch.tensor(scenario.whole_classes, device=task.device)


@torch.no_grad()
def transfer_classifier(
    teacher: MaskedNetwork, student: MaskedNetwork, forgotten_F: Tensor, least_kept: float
) -> Tensor:
    """Copy the teacher's classifier and mask to the student, without the forgotten classes; freeze them.

    Returns which channels [C] are kept.
    """
    kept_C = kept_channels(teacher.mask, forgotten_F, least_kept)
    student.head.weight.copy_(teacher.head.weight * kept_C)
    student.head.weight[forgotten_F] = 0
    student.head.bias.copy_(teacher.head.bias)
    student.head.bias[forgotten_F] = 0
    student.mask.copy_(teacher.mask)
    student.mask[:, forgotten_F] = 0
    student.head.requires_grad_(False)
    student.mask.requires_grad_(False)
    return kept_C


def kept_channels(mask_CK: Tensor, forgotten_F: Tensor, least: float) -> Tensor:
    """Return which channels [C] are kept: those no forgotten class uses, and always the share `least` used least."""
    use_C = mask_CK[:, forgotten_F].amax(dim=1)
    kept_C = use_C == 0
    kept_C[use_C.argsort(stable=True)[: math.ceil(least * len(use_C))]] = True
    return kept_C


def transfer_loss(student: MaskedNetwork, teacher: MaskedNetwork, kept_C: Tensor, x: Tensor) -> Tensor:
    """Return the mean squared distance of the feature maps plus that of the pooled ones (teacher's times `kept_C`)."""
    maps, wanted = student.features(x), teacher.features(x)
    pooled, prohibited = maps.mean(dim=(2, 3)), wanted.mean(dim=(2, 3)) * kept_C
    return functional.mse_loss(maps, wanted) + functional.mse_loss(pooled, prohibited)
