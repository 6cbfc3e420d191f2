"""What methods with a teacher share: a fixed copy of a model, and the divergence between two models' outputs."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional


def frozen(model: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode that takes no gradient."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def divergence(teacher_BK: Tensor, student_BK: Tensor, temperature: float) -> Tensor:
    """Return KL(softmax(teacher/T) ‖ softmax(student/T)) of each sample [B].

    Args:
        teacher_BK: logits of the teacher, which the student is to match.
        student_BK: logits of the student.
        temperature: T; the result is not multiplied by T².
    """
    log_teacher_BK = (teacher_BK / temperature).log_softmax(dim=1)
    log_student_BK = (student_BK / temperature).log_softmax(dim=1)
    return functional.kl_div(log_student_BK, log_teacher_BK, reduction="none", log_target=True).sum(dim=1)
