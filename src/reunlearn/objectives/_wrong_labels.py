"""Labels that are not the truth, as methods teach them on the forget set."""

from __future__ import annotations

import torch
from torch import Tensor

SHIFTS = {"next_label": 1, "hundredth_next_label": 100}


def wrong_labels(y_B: Tensor, classes: int, kind: str, generator: torch.Generator) -> Tensor:
    """Return labels [B]: `random_label` uniform over all classes, `other_label` over all but the true one,
    `next_label` the class after the true one, `hundredth_next_label` the hundredth after it, the first coming after the
    last (SalUn, for generators: of few classes, of ImageNet's).

    Raises:
        ValueError: there is no such kind.
    """
    count, device = len(y_B), y_B.device
    if kind == "random_label":
        return torch.randint(0, classes, (count,), generator=generator).to(device)
    if kind == "other_label":
        step_B = torch.randint(1, classes, (count,), generator=generator).to(device)
        return (y_B + step_B) % classes
    if kind in SHIFTS:
        return (y_B + SHIFTS[kind]) % classes
    raise ValueError(f"no forget target '{kind}'; known: random_label, other_label, {', '.join(SHIFTS)}")
