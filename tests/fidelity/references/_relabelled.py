"""Steps that train on drawn labels, in the words of random labels and SalUn.

("forget", x, y, drawn)             every sample has its drawn label
("retain", x, y)                    every sample has its true label
("joined", x, y, is_forget, drawn)  sample i has the label drawn[i] if is_forget[i], else y[i]
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ._optimizers import Epochs


def check_order(epochs: Epochs) -> None:
    """Refuse an epoch in which a forget step follows a retain step; joined steps have no such rule."""
    for steps in epochs:
        kinds = [step[0] for step in steps if step[0] != "joined"]
        if kinds != sorted(kinds):  # "forget" sorts before "retain"
            raise ValueError("an epoch must visit forget before retain")


def batch_of(step: Any, wrong_only: bool) -> tuple[Tensor, Tensor]:
    """Return the images and the labels that a step trains on.

    Args:
        step: as above.
        wrong_only: refuse a drawn label that is the true one.
    """
    if step[0] == "retain":
        return step[1], step[2]
    if step[0] == "forget":
        _, x, y, drawn = step
        is_forget = [True] * len(y)
    elif step[0] == "joined":
        _, x, y, is_forget, drawn = step
    else:
        raise ValueError(f"{step[0]} is no kind of step")
    labels = y.clone()
    for i in range(len(y)):
        if is_forget[i]:
            if wrong_only and drawn[i] == y[i]:
                raise ValueError("the true class was drawn")
            labels[i] = drawn[i]
    return x, labels
